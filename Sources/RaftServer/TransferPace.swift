/// Spreads bytes over time: what is sent gets its turn only when all that was sent before has had the time that its bytes take at
/// the permitted rate.
struct TransferPace: Sendable {
    private let bytesPerSecond: UInt64
    private var isFreeAt = MonotonicTime(microseconds: 0)

    init(bytesPerSecond: Int) {
        precondition(bytesPerSecond > 0, "nothing would ever be sent")
        self.bytesPerSecond = UInt64(bytesPerSecond)
    }

    /// When so many bytes may go; they count from then on, also if they do not go.
    mutating func turn(of bytes: Int, at now: MonotonicTime) -> MonotonicTime {
        let turn = max(now, isFreeAt)
        let microseconds = (UInt64(bytes) * 1_000_000 + bytesPerSecond - 1) / bytesPerSecond
        isFreeAt = MonotonicTime(microseconds: turn.microseconds + microseconds)
        return turn
    }
}
