import CPlatform
import Foundation
import Glibc

/// The `amas` that the build has put beside the tests.
enum Binary {
    static let path: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return (own as NSString).deletingLastPathComponent + "/amas"
    }()

    struct Outcome {
        /// The exit code; 128 and the signal's number if a signal ended it.
        var code: Int32
        var output: String
        var error: String
    }

    /// Runs it to its end.
    /// - Parameter environment: all it gets beside `PATH` and `HOME`, so that what the tests' caller has set does not count.
    static func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> Outcome {
        let process = try BinaryProcess(arguments, environment: environment)
        let code = await process.wait()
        return Outcome(code: code, output: process.output, error: process.error)
    }

    static func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> Outcome {
        try await run(arguments, environment: environment)
    }
}

/// One running process, its outputs in files. Killed at the end if it still runs.
///
/// Not `Foundation.Process`, which waits for the end of a socket that the child processes of exit tests inherit.
final class BinaryProcess: Sendable {
    struct SpawnFailed: Error { var code: Int32 }

    let pid: pid_t
    private let files: String
    private let ended: Task<Int32, Never>

    init(
        _ arguments: [String], environment: [String: String] = [:], executable: String = Binary.path
    ) throws {
        files = NSTemporaryDirectory() + "amas-process-" + UUID().uuidString
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, files + ".out", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, files + ".err", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        // The sockets of other tests must not live on in it, nor be taken for its own.
        _ = amas_spawn_close_from(&actions, 3)
        let own = ProcessInfo.processInfo.environment
        let all = ["PATH": own["PATH"] ?? "", "HOME": own["HOME"] ?? "/", "TMPDIR": NSTemporaryDirectory()]
            .merging(environment) { $1 }
        var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = all.map { strdup("\($0)=\($1)") } + [nil]
        defer { for word in words + variables { free(word) } }
        var child: pid_t = 0
        // A thread of a pool blocks signals, and a process begins with the mask of the thread that makes it.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let code = posix_spawn(&child, executable, &actions, &attributes, &words, &variables)
        guard code == 0 else { throw SpawnFailed(code: code) }
        let pid = child
        self.pid = pid
        ended = Task.detached { await Self.reap(pid) }
    }

    deinit {
        kill(pid, SIGKILL)
        for suffix in [".out", ".err"] { unlink(files + suffix) }
    }

    /// A look now and then instead of a blocked thread for each process.
    private static func reap(_ pid: pid_t) async -> Int32 {
        var status: Int32 = 0
        while true {
            let result = waitpid(pid, &status, WNOHANG)
            if result == pid { break }
            if result < 0, errno != EINTR { return -1 }
            try? await Task.sleep(for: .milliseconds(5))
        }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    /// The exit code, once it has ended.
    func wait() async -> Int32 { await ended.value }

    func signal(_ number: Int32) { kill(pid, number) }

    var output: String { Self.text(files + ".out") }
    var error: String { Self.text(files + ".err") }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
