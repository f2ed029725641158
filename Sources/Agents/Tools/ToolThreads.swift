import CPlatform
import Dispatch
import Glibc
import Synchronization

/// A few threads of our own for work that blocks or computes for long: reading files, parsing, waiting for a child.
///
/// One pool per node, shared by all its agents. Its queue is bounded: one job too many is refused, not queued. A job
/// that is cancelled while it waits is answered at once and never runs.
public final class ToolThreads: Sendable {
    private let shared: Shared

    /// Starts the threads.
    /// - Parameters:
    ///   - threads: how many, at least one.
    ///   - queueLimit: jobs that may wait.
    public init(threads: Int = Limits().toolThreads, queueLimit: Int = Limits().toolQueue) {
        shared = Shared(queueLimit: queueLimit)
        for number in 1...max(1, threads) { shared.startThread(number: number) }
    }

    deinit { shared.shutDown() }

    /// Runs `body` on one of the threads and returns its result. May be called from anywhere; does not block.
    ///
    /// Cancelling the awaiting task reaches `body` through its `Interrupt`.
    /// - Throws: what `body` throws; `overloaded` where the queue is full; `shutDown` after `shutDown()`; `cancelled` or
    ///   `deadlineExceeded` where the job's turn came too late.
    public func run<Value: Sendable>(
        deadline: ContinuousClock.Instant? = nil,
        _ body: @escaping @Sendable (Interrupt) throws(AgentError) -> Value
    ) async throws(AgentError) -> Value {
        let interrupt = Interrupt(deadline: deadline)
        let job = Job<Value>(interrupt: interrupt, body: body)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, AgentError>, Never>) in
                job.wait(with: continuation)
                if let refusal = shared.enqueue(job) { job.refuse(refusal) }
                // A cancellation that came before `wait` found nobody to answer.
                if Task.isCancelled { job.refuse(.cancelled) }
            }
        } onCancel: {
            interrupt.cancel()
            job.refuse(.cancelled)
        }
        return try result.get()
    }

    /// Jobs that wait for a thread, for metrics.
    public var waitingJobs: Int { shared.waitingJobs }

    /// Takes no more jobs, answers the waiting ones with `shutDown`, and lets the threads end after the jobs they are
    /// running. Returns at once; may be called twice.
    public func shutDown() { shared.shutDown() }
}

extension ToolThreads {
    /// The state that the threads hold: apart from `ToolThreads` itself, so that dropping the pool ends the threads.
    fileprivate final class Shared: Sendable {
        private struct State {
            var queue: [any QueuedJob] = []
            var isShutDown = false
        }

        private let state = Mutex(State())
        private let available = DispatchSemaphore(value: 0)
        private let threadCount = Atomic<Int>(0)
        private let queueLimit: Int

        init(queueLimit: Int) { self.queueLimit = queueLimit }

        /// Returns why the job was refused, or nil.
        func enqueue(_ job: any QueuedJob) -> AgentError? {
            let refusal: AgentError? = state.withLock { state in
                if state.isShutDown { return .shutDown }
                if state.queue.count >= queueLimit { return .overloaded }
                state.queue.append(job)
                return nil
            }
            if refusal == nil { available.signal() }
            return refusal
        }

        var waitingJobs: Int { state.withLock { $0.queue.count } }

        func shutDown() {
            let waiting = state.withLock { state in
                state.isShutDown = true
                defer { state.queue = [] }
                return state.queue
            }
            for job in waiting { job.refuse(.shutDown) }
            for _ in 0..<threadCount.load(ordering: .relaxed) { available.signal() }
        }

        func startThread(number: Int) {
            threadCount.wrappingAdd(1, ordering: .relaxed)
            let context = Unmanaged.passRetained(ThreadStart(shared: self, name: "amas-tool-\(number)"))
            var thread = pthread_t()
            let status = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
                    amas_thread_set_name(start.name)
                    start.shared.work()
                    return nil
                }, context.toOpaque())
            precondition(status == 0, "the operating system gave no thread for tools: error \(status)")
            pthread_detach(thread)
        }

        private func work() {
            while true {
                available.wait()
                let (job, isShutDown) = state.withLock { state in
                    (state.queue.isEmpty ? nil : state.queue.removeFirst(), state.isShutDown)
                }
                if let job {
                    job.run()
                } else if isShutDown {
                    return
                }
            }
        }
    }

    fileprivate final class ThreadStart: Sendable {
        let shared: Shared
        let name: String
        init(shared: Shared, name: String) {
            self.shared = shared
            self.name = name
        }
    }
}
