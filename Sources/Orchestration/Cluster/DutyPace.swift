import Raft
import Synchronization

/// Keeps duties from being proposed again before their effect can have shown.
final class DutyPace: Sendable {
    private struct State {
        var last: [Duty: (at: ContinuousClock.Instant, interval: Duration)] = [:]
        var fired: (index: LogIndex, at: ContinuousClock.Instant)?
    }

    private let state = Mutex(State())

    /// Whether an interval has passed since the last time; where the effect cannot show for long, each is twice the one before.
    /// - Parameter longest: nil for an interval that stays what it is.
    func mayPropose(
        _ duty: Duty, interval: Duration, longest: Duration? = nil, now: ContinuousClock.Instant = .now
    ) -> Bool {
        state.withLock { state in
            guard let last = state.last[duty] else {
                state.last[duty] = (now, interval)
                return true
            }
            let silence = now - last.at
            guard silence >= last.interval else { return false }
            // Who has not asked for long asks for another reason.
            let isRepeated = silence < last.interval * 2
            let next = isRepeated ? min(last.interval * 2, longest ?? interval) : interval
            state.last[duty] = (now, next)
            return true
        }
    }

    /// The effect has shown, or is not wanted any more: the next time is a first one.
    func seen(_ duty: Duty) {
        state.withLock { $0.last[duty] = nil }
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
