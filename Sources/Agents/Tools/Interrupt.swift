import Synchronization

/// Asked by work on a tool thread, between files at the latest, whether it should still go on.
///
/// Safe from any thread. The flag is set by the cancellation of the task that awaits the work.
public final class Interrupt: Sendable {
    private let cancelled = Atomic<Bool>(false)
    private let deadline: ContinuousClock.Instant?

    /// - Parameter deadline: when `check` begins to throw `deadlineExceeded`.
    public init(deadline: ContinuousClock.Instant? = nil) {
        self.deadline = deadline
    }

    /// From now on `check` throws `cancelled`.
    public func cancel() { cancelled.store(true, ordering: .relaxed) }

    /// Returns while the work should go on.
    /// - Throws: `cancelled` or `deadlineExceeded`.
    public func check() throws(AgentError) {
        if cancelled.load(ordering: .relaxed) { throw .cancelled }
        if let deadline, ContinuousClock.now >= deadline { throw .deadlineExceeded }
    }

    /// The time left until the deadline, if there is one; never negative.
    var remaining: Duration? {
        deadline.map { max(.zero, $0 - ContinuousClock.now) }
    }
}
