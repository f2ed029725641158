import ClusterState
import Raft
import RaftServer
import Synchronization

/// Those who want to propose while the log has no session for this run of the node, as just after its start.
final class SessionGate: Sendable {
    private typealias Answer = Result<Void, RequestError>

    private struct Waiting {
        var deadline: ContinuousClock.Instant
        var answer: CheckedContinuation<Answer, Never>
    }

    private struct State {
        var next: UInt64 = 0
        var waiting: [UInt64: Waiting] = [:]
        var shut: RequestError?
    }

    private let state = Mutex(State())
    private let limits: ServerLimits

    init(limits: ServerLimits) {
        self.limits = limits
    }

    /// Returns once there is a session.
    /// - Parameter isOpen: whether the state has one now.
    func wait(isOpen: @escaping @Sendable () -> Bool) async throws(RequestError) {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let deadline = ContinuousClock.now + .milliseconds(limits.holdMilliseconds)
        let answer: Answer = await withTaskCancellationHandler {
            await withCheckedContinuation { answer in
                if let refusal = register(number, Waiting(deadline: deadline, answer: answer)) {
                    return answer.resume(returning: .failure(refusal))
                }
                // What came between the caller's look and the registration brought no notice.
                if isOpen() { end(.success(())) { $0 == number } }
                if Task.isCancelled { end(.failure(.cancelled)) { $0 == number } }
            }
        } onCancel: {
            end(.failure(.cancelled)) { $0 == number }
        }
        try answer.get()
    }

    private func register(_ number: UInt64, _ waiting: Waiting) -> RequestError? {
        state.withLock { state in
            if let shut = state.shut { return shut }
            guard state.waiting.count < limits.outstandingProposals else { return .overloaded }
            state.waiting[number] = waiting
            return nil
        }
    }

    /// Called with the state after every batch.
    func observe(_ new: ClusterState, _ session: Envelope.Session) {
        guard state.withLock({ !$0.waiting.isEmpty }), new.sessionFloor(of: session) != nil else { return }
        end(.success(()))
    }

    /// Fails everybody who waits now.
    func fail(_ error: RequestError) {
        end(.failure(error))
    }

    /// Fails those who have waited too long.
    func expire(_ now: ContinuousClock.Instant) {
        let late = state.withLock { state in Set(state.waiting.filter { $0.value.deadline <= now }.keys) }
        end(.failure(.timedOut)) { late.contains($0) }
    }

    /// Fails everybody, now and from now on.
    func shut(_ error: RequestError) {
        state.withLock { $0.shut = error }
        fail(error)
    }

    var count: Int { state.withLock { $0.waiting.count } }

    private func end(_ answer: Answer, where isMeant: (UInt64) -> Bool = { _ in true }) {
        let ended: [Waiting] = state.withLock { state in
            let ended = state.waiting.filter { isMeant($0.key) }
            for number in ended.keys { state.waiting[number] = nil }
            return Array(ended.values)
        }
        for waiting in ended { waiting.answer.resume(returning: answer) }
    }
}
