import Raft
import Synchronization

/// This node's linearizable reads. Those that come while one request to the leader is under way share the next: a thousand
/// readers cost one round of heartbeats.
final class PendingReads: Sendable {
    typealias Answer = Result<LogIndex, RequestError>

    private struct Waiting {
        var deadline: MonotonicTime
        var answer: CheckedContinuation<Answer, Never>
    }

    private struct State {
        var next: [Waiting] = []
        var asked: [Waiting] = []
        /// The request under way; answers to earlier ones are ignored.
        var number: UInt64 = 0
        var askedAt: MonotonicTime?
        var stopped: RequestError?
    }

    private let state: Mutex<State>
    private let limits: ServerLimits

    /// - Parameter boot: of this process. An answer to a question of an earlier one may still be on its way, and speaks of an
    ///   earlier moment: no two processes of a node use the same numbers within half a year, which is 24 bits of boots.
    init(limits: ServerLimits, boot: BootID) {
        self.limits = limits
        state = Mutex(State(number: boot.rawValue << 40))
    }

    var count: Int { state.withLock { $0.next.count + $0.asked.count } }

    /// Registers a reader. Returns whether the server's thread should be told.
    func register(now: MonotonicTime, answer: CheckedContinuation<Answer, Never>) -> Bool {
        let refusal: RequestError? = state.withLock { state in
            if let stopped = state.stopped { return stopped }
            guard state.next.count + state.asked.count < limits.outstandingReads else { return .overloaded }
            state.next.append(
                Waiting(deadline: now.adding(milliseconds: limits.holdMilliseconds), answer: answer))
            return nil
        }
        if let refusal { answer.resume(returning: .failure(refusal)) }
        return refusal == nil
    }

    /// The number of a request to make now, if there is one: for new readers when nothing is under way, or for all of them when
    /// the one under way has been without an answer for too long or its leader is gone.
    func request(now: MonotonicTime, again: Bool = false) -> UInt64? {
        state.withLock { state in
            if let askedAt = state.askedAt {
                guard again || askedAt.adding(milliseconds: limits.resubmitAfterMilliseconds) <= now else { return nil }
            }
            // Readers that came later may join: the answer is at least as new as this moment.
            state.asked.append(contentsOf: state.next)
            state.next = []
            guard !state.asked.isEmpty else {
                state.askedAt = nil
                return nil
            }
            state.number += 1
            state.askedAt = now
            return state.number
        }
    }

    func answer(_ number: UInt64, _ index: LogIndex) {
        let ready: [Waiting] = state.withLock { state in
            guard number == state.number, state.askedAt != nil else { return [] }
            state.askedAt = nil
            defer { state.asked = [] }
            return state.asked
        }
        for waiting in ready { waiting.answer.resume(returning: .success(index)) }
    }

    /// The node that was asked does not lead: the request is to be made again when the leader is known.
    func refused(_ number: UInt64) {
        state.withLock { state in
            if number == state.number { state.askedAt = nil }
        }
    }

    func expire(now: MonotonicTime) {
        fail(.timedOut) { $0.deadline <= now }
    }

    func failAll(_ error: RequestError) {
        fail(error) { _ in true }
    }

    func stop(_ error: RequestError) {
        state.withLock { $0.stopped = error }
        failAll(error)
    }

    private func fail(_ error: RequestError, where isDue: (Waiting) -> Bool) {
        let failed: [Waiting] = state.withLock { state in
            let failed = state.next.filter(isDue) + state.asked.filter(isDue)
            state.next.removeAll(where: isDue)
            state.asked.removeAll(where: isDue)
            return failed
        }
        for waiting in failed { waiting.answer.resume(returning: .failure(error)) }
    }
}

/// Those who wait until this node has applied an index.
final class AppliedWaiters: Sendable {
    typealias Answer = Result<Void, RequestError>

    private struct Waiting {
        var index: LogIndex
        var deadline: MonotonicTime
        var answer: CheckedContinuation<Answer, Never>
    }

    private struct State {
        var applied: LogIndex
        var waiting: [Waiting] = []
        var stopped: RequestError?
    }

    private let state: Mutex<State>

    init(applied: LogIndex) {
        state = Mutex(State(applied: applied))
    }

    var applied: LogIndex { state.withLock { $0.applied } }

    func wait(for index: LogIndex, deadline: MonotonicTime, answer: CheckedContinuation<Answer, Never>) {
        let immediate: Answer? = state.withLock { state in
            if state.applied >= index { return .success(()) }
            if let stopped = state.stopped { return .failure(stopped) }
            state.waiting.append(Waiting(index: index, deadline: deadline, answer: answer))
            return nil
        }
        if let immediate { answer.resume(returning: immediate) }
    }

    func advance(to index: LogIndex) {
        let ready: [Waiting] = state.withLock { state in
            state.applied = max(state.applied, index)
            if state.waiting.isEmpty { return [] }
            let applied = state.applied
            let ready = state.waiting.filter { $0.index <= applied }
            state.waiting.removeAll { $0.index <= applied }
            return ready
        }
        for waiting in ready { waiting.answer.resume(returning: .success(())) }
    }

    func expire(now: MonotonicTime) {
        fail(.timedOut) { $0.deadline <= now }
    }

    func stop(_ error: RequestError) {
        state.withLock { $0.stopped = error }
        fail(error) { _ in true }
    }

    private func fail(_ error: RequestError, where isDue: (Waiting) -> Bool) {
        let failed: [Waiting] = state.withLock { state in
            let failed = state.waiting.filter(isDue)
            state.waiting.removeAll(where: isDue)
            return failed
        }
        for waiting in failed { waiting.answer.resume(returning: .failure(error)) }
    }
}
