import Raft
import Synchronization

/// Keeps duties from being proposed again before their effect can have shown.
final class DutyPace: Sendable {
    private struct State {
        var last: [Duty: ContinuousClock.Instant] = [:]
        var fired: (index: LogIndex, at: ContinuousClock.Instant)?
    }

    private let state = Mutex(State())

    func mayPropose(_ duty: Duty, interval: Duration) -> Bool {
        state.withLock { state in
            let now = ContinuousClock.now
            if let last = state.last[duty], now - last < interval { return false }
            state.last[duty] = now
            return true
        }
    }

    /// Whether timers may be fired: the state has moved on since the last time, or that was long ago.
    func mayFire(appliedThrough index: LogIndex, interval: Duration) -> Bool {
        state.withLock { state in
            let now = ContinuousClock.now
            if let fired = state.fired, fired.index == index, now - fired.at < interval { return false }
            state.fired = (index, now)
            return true
        }
    }
}
