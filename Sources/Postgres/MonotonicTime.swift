import Glibc

/// An instant of the machine's monotonic clock. Deadlines and waits are kept in it because wall time may be stepped.
struct MonotonicTime: Sendable, Hashable, Comparable {
    /// Nanoseconds since an arbitrary start, the one of `CLOCK_MONOTONIC`.
    var nanoseconds: Int64

    static let distantFuture = MonotonicTime(nanoseconds: .max)

    /// The clock is read only in the shells (threads, sessions); `PoolState` and `Backoff` are given the time.
    static func now() -> MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
        let (sum, overflow) = time.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return overflow ? .distantFuture : MonotonicTime(nanoseconds: sum)
    }

    static func - (later: MonotonicTime, earlier: MonotonicTime) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }

    /// The form that `pthread_cond_timedwait` takes on a condition bound to `CLOCK_MONOTONIC`.
    var systemTime: timespec {
        timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    }

    /// Milliseconds from `now` until this instant for `poll`, rounded up so that a wait never ends early and spins.
    func pollTimeoutMilliseconds(from now: MonotonicTime) -> Int32 {
        guard self > now else { return 0 }
        let milliseconds = (nanoseconds - now.nanoseconds - 1) / 1_000_000 + 1
        return Int32(clamping: milliseconds)
    }
}

extension Duration {
    /// Whole nanoseconds, cut to what 64 bits hold (292 years).
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carried) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }

    var milliseconds: Int64 {
        nanoseconds / 1_000_000
    }
}
