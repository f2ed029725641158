import Synchronization

/// A job as the queue sees it.
protocol QueuedJob: Sendable {
    func run()
    func refuse(_ error: AgentError)
}

extension ToolThreads {
    /// One piece of work and whoever waits for it. Its continuation is resumed exactly once: by the thread that ran
    /// it, by a refusal, or by cancellation while it was still waiting.
    final class Job<Value: Sendable>: QueuedJob {
        private enum Phase {
            case created
            case waiting(CheckedContinuation<Result<Value, AgentError>, Never>)
            case running(CheckedContinuation<Result<Value, AgentError>, Never>)
            case finished
        }

        private let phase = Mutex(Phase.created)
        private let interrupt: Interrupt
        private let body: @Sendable (Interrupt) throws(AgentError) -> Value

        init(interrupt: Interrupt, body: @escaping @Sendable (Interrupt) throws(AgentError) -> Value) {
            self.interrupt = interrupt
            self.body = body
        }

        func wait(with continuation: CheckedContinuation<Result<Value, AgentError>, Never>) {
            phase.withLock { $0 = .waiting(continuation) }
        }

        func run() {
            let mine = phase.withLock { phase -> Bool in
                guard case .waiting(let continuation) = phase else { return false }
                phase = .running(continuation)
                return true
            }
            guard mine else { return }
            do throws(AgentError) {
                try interrupt.check()
                finish(.success(try body(interrupt)))
            } catch {
                finish(.failure(error))
            }
        }

        private func finish(_ result: Result<Value, AgentError>) {
            let waiter = phase.withLock { phase -> CheckedContinuation<Result<Value, AgentError>, Never>? in
                guard case .running(let continuation) = phase else { return nil }
                phase = .finished
                return continuation
            }
            waiter?.resume(returning: result)
        }

        /// Answers the waiter unless the work has begun; then its interrupt ends it.
        func refuse(_ error: AgentError) {
            let waiter = phase.withLock { phase -> CheckedContinuation<Result<Value, AgentError>, Never>? in
                guard case .waiting(let continuation) = phase else { return nil }
                phase = .finished
                return continuation
            }
            waiter?.resume(returning: .failure(error))
        }
    }
}
