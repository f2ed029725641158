/// The leader's clock, from which every command is stamped (`design/state.md` 7): it goes on where the log stopped, by the
/// monotonic clock, drifts towards wall time by at most one per cent, and never steps or goes back.
struct ClusterClock {
    private var time: UInt64
    private var last: MonotonicTime
    /// Hundredths of a microsecond of slewing that are allowed and too small to be used yet: a leader under load reads
    /// the clock every few microseconds, and would otherwise never slew.
    private var allowance: UInt64 = 0

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
        let slew = (allowance + elapsed) / 100
        allowance = (allowance + elapsed) % 100
        if wallMicroseconds > unslewed {
            time = unslewed + min(slew, wallMicroseconds - unslewed)
        } else {
            // Never back, even if what was left over makes the slew greater than the time that has passed.
            time = unslewed - min(slew, elapsed, unslewed - wallMicroseconds)
        }
        return time
    }
}
