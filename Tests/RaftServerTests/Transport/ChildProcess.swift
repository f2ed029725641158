import Dispatch
import Glibc

/// A command started by `posix_spawn`.
///
/// Not `Foundation.Process`: that waits for the end of a socket which the child processes of other tests inherit.
struct ChildProcess {
    struct Failed: Error {
        var command: [String]
        var code: CInt
        var output: String
    }

    let processID: pid_t

    /// - Parameter output: where standard output and error go; nil leaves them.
    init(_ command: [String], output: String? = nil) throws(Failed) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let output {
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        }
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var processID: pid_t = 0
        let code = posix_spawnp(&processID, command[0], &actions, nil, &arguments, environ)
        guard code == 0 else { throw Failed(command: command, code: code, output: "") }
        self.processID = processID
    }

    /// Waits for the end; the status is 0 for success.
    func wait() -> CInt {
        var status: CInt = 0
        while waitpid(processID, &status, 0) < 0, errno == EINTR {}
        return status
    }
}

/// Threads outside the concurrency pool. While a process of an exit test runs, Swift Testing reads from its pipe and
/// blocks the thread that it is on; two of them would occupy the whole pool of a machine with two cores, and no other
/// test would go on.
final class BlockingThreads: TaskExecutor {
    static let shared = BlockingThreads()
    private let queue = DispatchQueue(label: "exit tests", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Runs `exitTest` on threads that it may block.
func offPool<Result: Sendable>(_ exitTest: @Sendable () async -> Result) async -> Result {
    await withTaskExecutorPreference(BlockingThreads.shared) { await exitTest() }
}
