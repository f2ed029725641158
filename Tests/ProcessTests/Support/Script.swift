import CPlatform
import Foundation
import Glibc

/// A program that is run to its end, on a thread of its own.
enum Script {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// - Returns: what it printed on standard output.
    /// - Throws: `Failure` with its words if it ends with another code than 0.
    @discardableResult
    static func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try runBlocking(arguments, environment: environment) })
            }
        }
    }

    /// Files, not pipes, take the output, and every other descriptor is closed: what the scripts leave running would hold
    /// them, and whoever waits for their end would wait for that of the cluster.
    private static func runBlocking(_ arguments: [String], environment: [String: String]) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (output, complaints) = (folder + "/out", folder + "/err")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, complaints, O_WRONLY | O_CREAT, 0o600)
        amas_spawn_close_from(&actions, 3)
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }
        let status = withStrings(arguments) { argv in
            withStrings(variables) { envp in
                var pid: pid_t = 0
                var status: Int32 = -1
                guard posix_spawnp(&pid, arguments[0], &actions, nil, argv, envp) == 0 else { return Int32(-1) }
                while waitpid(pid, &status, 0) == -1, errno == EINTR {}
                return status
            }
        }
        func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
        guard status == 0 else {
            throw Failure(description: "\(arguments.joined(separator: " ")): \(text(output))\(text(complaints))")
        }
        return text(output)
    }

    private static func withStrings<Value>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
    }
}
