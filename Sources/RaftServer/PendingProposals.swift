import Raft
import Synchronization

/// This node's own proposals, from the request to the outcome: the client side of a session (`design/state.md` 10).
///
/// A proposal keeps its sequence for ever; it may be submitted many times, and the state machine lets it act once. The floor
/// tells the state machine which outcomes it may forget: the lowest sequence that still waits.
final class PendingProposals<Outcome: Sendable>: Sendable {
    typealias Answer = Result<Outcome, RequestError>

    private struct Pending {
        var bytes: [UInt8]
        var deadline: MonotonicTime
        /// How often it has set out for a leader.
        var submissions: UInt64 = 1
        var resubmit: MonotonicTime
        /// How often the leader that is known has left it unanswered.
        var doublings: UInt64 = 0
        var answer: @Sendable (Answer) -> Void
    }

    private struct State {
        var next: UInt64 = 1
        var floor: UInt64 = 1
        var bytes = 0
        /// Sequences that were handed out, with their proposal once it is known.
        var pending: [UInt64: Pending?] = [:]
        var stopped: RequestError?

        mutating func remove(_ sequence: UInt64) -> Pending? {
            guard let found = pending.removeValue(forKey: sequence) else { return nil }
            if let found { bytes -= found.bytes.count }
            while floor < next, pending[floor] == nil { floor += 1 }
            return found
        }
    }

    private let state = Mutex(State())
    private let limits: ServerLimits

    init(limits: ServerLimits) {
        self.limits = limits
    }

    /// A new sequence and the floor to send with it, or why there is none.
    func reserve() -> Result<(sequence: UInt64, floor: UInt64), RequestError> {
        state.withLock { state in
            if let stopped = state.stopped { return .failure(stopped) }
            guard state.next - state.floor < UInt64(limits.outstandingProposals),
                state.bytes < limits.outstandingProposalBytes
            else { return .failure(.overloaded) }
            let sequence = state.next
            state.next += 1
            state.pending[sequence] = .some(nil)
            return .success((sequence, state.floor))
        }
    }

    /// Registers the proposal of a reserved sequence. Its answer comes by whatever ends the wait.
    func register(
        _ sequence: UInt64, bytes: [UInt8], now: MonotonicTime, answer: @escaping @Sendable (Answer) -> Void
    ) {
        let stopped: RequestError? = state.withLock { state in
            precondition(state.pending[sequence] != nil || state.stopped != nil, "a sequence is reserved first")
            if let stopped = state.stopped { return stopped }
            state.bytes += bytes.count
            state.pending[sequence] = Pending(
                bytes: bytes, deadline: now.adding(milliseconds: limits.holdMilliseconds),
                resubmit: now.adding(milliseconds: limits.resubmitAfterMilliseconds), answer: answer)
            return nil
        }
        if let stopped { answer(.failure(stopped)) }
    }

    /// Gives back a reserved sequence that will not be proposed.
    func release(_ sequence: UInt64) {
        _ = state.withLock { $0.remove(sequence) }
    }

    /// The proposer waits no longer. Nothing happens before `register`: the proposer looks for itself then.
    func cancel(_ sequence: UInt64) {
        let found: Pending? = state.withLock { state in
            guard (state.pending[sequence] ?? nil) != nil else { return nil }
            return state.remove(sequence)
        }
        found?.answer(.failure(.cancelled))
    }

    func complete(_ sequence: UInt64, _ outcome: Outcome) {
        finish(sequence, .success(outcome))
    }

    /// A leader has refused one submission. Was it the only one, the proposal had no effect; of several, another may be in
    /// a log, so it stays held, and is submitted again as one that has just been submitted.
    func refuse(_ sequence: UInt64, _ error: RequestError, now: MonotonicTime) {
        let found: Pending? = state.withLock { state in
            guard var pending = state.pending[sequence] ?? nil else { return nil }
            if pending.submissions == 1 { return state.remove(sequence) }
            pending.doublings = 0
            pending.resubmit = now.adding(milliseconds: limits.resubmitAfterMilliseconds)
            state.pending[sequence] = pending
            return nil
        }
        found?.answer(.failure(error))
    }

    private func finish(_ sequence: UInt64, _ answer: Answer) {
        let found = state.withLock { $0.remove(sequence) }
        found?.answer(answer)
    }

    /// What waits, in the order of the sequences, to be submitted again: all of it after a change of leader, else what has
    /// had no outcome for too long. Each time the wait doubles, or a slow leader would get the more copies the slower it is; another
    /// leader owes nothing yet.
    func toSubmit(now: MonotonicTime, onlyOverdue: Bool) -> [[UInt8]] {
        state.withLock { state in
            var due: [(sequence: UInt64, bytes: [UInt8])] = []
            for (sequence, pending) in state.pending {
                guard let pending, !onlyOverdue || pending.resubmit <= now else { continue }
                due.append((sequence, pending.bytes))
            }
            for (sequence, _) in due {
                guard var pending = state.pending[sequence] ?? nil else { continue }
                pending.submissions += 1
                pending.doublings = onlyOverdue ? min(pending.doublings + 1, Self.maximumDoublings) : 0
                pending.resubmit = now.adding(milliseconds: limits.resubmitAfterMilliseconds << pending.doublings)
                state.pending[sequence] = pending
            }
            return due.sorted { $0.sequence < $1.sequence }.map(\.bytes)
        }
    }

    private static var maximumDoublings: UInt64 { 6 }

    /// Fails what has been held too long.
    func expire(now: MonotonicTime) {
        failAll(.timedOut) { $0.deadline <= now }
    }

    /// Fails everything that waits; new proposals go on.
    func failAll(_ error: RequestError) {
        failAll(error) { _ in true }
    }

    private func failAll(_ error: RequestError, where isDue: (Pending) -> Bool) {
        let failed = state.withLock { state in
            let sequences = state.pending.compactMap { entry in entry.value.map(isDue) == true ? entry.key : nil }
            return sequences.compactMap { state.remove($0) }
        }
        for pending in failed { pending.answer(.failure(error)) }
    }

    /// Fails everything, now and from now on.
    func stop(_ error: RequestError) {
        state.withLock { $0.stopped = error }
        failAll(error)
    }

    var count: Int { state.withLock { $0.pending.count } }
    var byteCount: Int { state.withLock { $0.bytes } }
    /// Whether the proposal of a reserved sequence is known and waits.
    func isRegistered(_ sequence: UInt64) -> Bool { state.withLock { ($0.pending[sequence] ?? nil) != nil } }
}
