import Synchronization

/// Requests that wait for a task (`Prefer: wait`): counted, and ended when the node drains.
final class Waits: Sendable {
    private struct State {
        var next: UInt64 = 0
        /// By number; each ends its wait.
        var waiting: [UInt64: @Sendable () -> Void] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Runs `body`, which ends early when its task is cancelled. Nil beyond the limit and after `close`.
    func run<Value: Sendable>(limit: Int, _ body: @escaping @Sendable () async -> Value) async -> Value? {
        let number: UInt64? = state.withLock { state in
            guard !state.isClosed, state.waiting.count < limit else { return nil }
            state.next += 1
            state.waiting[state.next] = {}
            return state.next
        }
        guard let number else { return nil }
        let task = Task { await body() }
        let isClosed = state.withLock { state in
            state.waiting[number] = { task.cancel() }
            return state.isClosed
        }
        if isClosed { task.cancel() }
        let value = await task.value
        state.withLock { _ = $0.waiting.removeValue(forKey: number) }
        return value
    }

    /// Ends all waits now; those that come later do not begin.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            return Array(state.waiting.values)
        }
        for end in waiting { end() }
    }
}
