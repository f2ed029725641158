/// The leader's clock, from which every command is stamped (`design/state.md` 7): it goes on where the log stopped, by the
/// monotonic clock, drifts towards wall time by at most one per cent, and never steps or goes back.
struct ClusterClock {
    private var time: UInt64
    private var last: MonotonicTime

    /// - Parameter time: the greatest cluster time in the log, or zero for an empty log, which begins at wall time.
    init(continuing time: UInt64, now: MonotonicTime, wallMicroseconds: UInt64) {
        self.time = time == 0 ? wallMicroseconds : time
        last = now
    }

    /// The time in microseconds to stamp now.
    mutating func read(now: MonotonicTime, wallMicroseconds: UInt64) -> UInt64 {
        precondition(now >= last, "the monotonic clock is monotonic")
        let elapsed = now.microseconds - last.microseconds
        last = now
        let unslewed = time + elapsed
        let slew = elapsed / 100
        if wallMicroseconds > unslewed {
            time = unslewed + min(slew, wallMicroseconds - unslewed)
        } else {
            time = unslewed - min(slew, unslewed - wallMicroseconds)
        }
        return time
    }
}
