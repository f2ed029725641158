public import Raft

/// The place of a durable event: the log index of its entry and its ordinal within it. Equal on every node; opaque to
/// clients, who get the text form and send it back.
public struct EventOffset: Hashable, Comparable, Sendable, LosslessStringConvertible {
    public let index: LogIndex
    public let ordinal: UInt32
    /// Before the first event there can be.
    public static let zero = EventOffset(index: .zero, ordinal: 0)

    public init(index: LogIndex, ordinal: UInt32) {
        self.index = index
        self.ordinal = ordinal
    }

    public init?(_ description: String) {
        let parts = description.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2, let index = UInt64(Substring(parts[0])), let ordinal = UInt32(Substring(parts[1]))
        else { return nil }
        self.init(index: LogIndex(index), ordinal: ordinal)
    }

    /// After every event of the entry.
    public static func end(of index: LogIndex) -> EventOffset { EventOffset(index: index, ordinal: .max) }
    public var description: String { "\(index).\(ordinal)" }

    public static func < (left: EventOffset, right: EventOffset) -> Bool {
        left.index == right.index ? left.ordinal < right.ordinal : left.index < right.index
    }
}
