import FoundationEssentials
import Glibc

/// Processes that a script of `cluster/bench` has prepared: the folder of each holds `start`, which leaves its number in `pid`.
struct Members: Sendable {
    let folder: String
    let ids: [Int]

    init(folder: String, count: Int = 3) {
        self.folder = folder
        ids = Array(1...count)
    }

    func signal(_ id: Int, _ signal: Int32) throws {
        guard Glibc.kill(try process(id), signal) == 0 else {
            throw BenchmarkFailure(description: "member \(id) of \(folder) does not run")
        }
    }

    /// Returns once a member that was killed is gone, and its ports are free.
    func end(of id: Int) async throws {
        let process = try process(id)
        while Glibc.kill(process, 0) == 0 { try await Task.sleep(for: .milliseconds(1)) }
    }

    /// Returns when the process has begun, which is before it answers.
    func start(_ id: Int) async throws {
        _ = try await Shell.run("'\(folder)/\(id)/start'")
    }

    private func process(_ id: Int) throws -> pid_t {
        let text = try String(contentsOfFile: "\(folder)/\(id)/pid", encoding: .utf8)
        guard let process = pid_t(text.trimmingPrefix(while: \.isWhitespace).prefix(while: \.isNumber)), process > 1
        else { throw BenchmarkFailure(description: "member \(id) of \(folder) has left no number") }
        return process
    }
}

enum Shell {
    /// What the command has printed. It runs on a thread of its own.
    static func run(_ command: String) async throws -> String {
        let (status, output) = await withCheckedContinuation { (done: CheckedContinuation<(Int32, String), Never>) in
            BlockingCall.run { done.resume(returning: read(command)) }
        }
        guard status == 0 else { throw BenchmarkFailure(description: "\(command): \(output.suffix(400))") }
        return output
    }

    private static func read(_ command: String) -> (Int32, String) {
        guard let pipe = popen(command, "r") else { return (-1, "cannot be run") }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = fread(&part, 1, part.count, pipe), count > 0 { bytes += part[..<count] }
        return (pclose(pipe), String(decoding: bytes, as: UTF8.self))
    }
}
