/// Which sequences of a session have been applied. A node has no more than these outstanding (`design/state.md` 10), so a place
/// is taken by a later sequence only when the earlier one cannot come again.
struct SessionWindow: Sendable {
    private var applied = [UInt64](repeating: 0, count: 65_536)

    /// Whether the sequence had not been applied. Sequences count from 1.
    mutating func insert(_ sequence: UInt64) -> Bool {
        let place = Int(sequence % UInt64(applied.count))
        guard applied[place] < sequence else { return false }
        applied[place] = sequence
        return true
    }
}
