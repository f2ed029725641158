import Foundation
import Synchronization
import ThreadStop

/// A disk that does not answer, as a node sees it: the one thread that writes its log does not come back from there. The rest of
/// the process, heartbeats among it, runs on. (Not SIGSTOP, which halts all of it.)
final class StalledDisk: Sendable {
    private let end = DispatchSemaphore(value: 0)
    private let isOver = DispatchSemaphore(value: 0)

    /// Nil where it may be done: it takes root, or a system that lets processes of one user look at each other.
    static let obstacle: String? = {
        if geteuid() == 0 { return nil }
        let scope = (try? String(contentsOfFile: "/proc/sys/kernel/yama/ptrace_scope", encoding: .utf8)) ?? "0"
        return scope.hasPrefix("0") ? nil : "a thread of another process may be halted by root only"
    }()

    /// Stands still from the return on, until `answer`.
    init(of node: String, in cluster: ClusterProcesses) async throws {
        let pid = try String(contentsOfFile: "\(cluster.folder)/nodes/\(node)/pid", encoding: .utf8)
        let tasks = "/proc/\(pid)/task"
        let thread = try FileManager.default.contentsOfDirectory(atPath: tasks).first { task in
            (try? String(contentsOfFile: "\(tasks)/\(task)/comm", encoding: .utf8)) == "amas-log\n"
        }
        guard let thread = thread.flatMap({ Int32($0) }) else {
            throw NeverHappened(description: "\(node) has a thread that writes the log")
        }
        let (end, isOver) = (end, isOver)
        // The thread that halts another is the one that must let go of it.
        let failure = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let failure = amas_thread_halt(thread)
                continuation.resume(returning: failure)
                guard failure == 0 else { return }
                end.wait()
                amas_thread_release(thread)
                isOver.signal()
            }
        }
        guard failure == 0 else {
            throw NeverHappened(description: "the thread is halted: \(String(cString: strerror(failure)))")
        }
    }

    /// Once, at the end.
    func answer() {
        end.signal()
        isOver.wait()
    }

    /// Stands still for the time of `body`.
    static func run<Value>(
        of nodes: [String], in cluster: ClusterProcesses, _ body: () async throws -> Value
    ) async throws -> Value {
        var disks: [StalledDisk] = []
        for node in nodes { disks.append(try await StalledDisk(of: node, in: cluster)) }
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        for disk in disks { disk.answer() }
        return try result.get()
    }
}
