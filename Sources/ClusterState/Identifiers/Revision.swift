public import Raft

/// When something last changed, comparable over the life of a cluster: the generation (16 bits), which rises when a
/// backup is restored or a quorum is recovered by force, then the log index (48 bits).
public struct Revision: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64
    public static let zero = Revision(rawValue: 0)
    static let indexBits: UInt64 = 48

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public init(generation: UInt16, index: LogIndex) {
        precondition(index.rawValue < 1 << Self.indexBits, "2^48 entries are centuries of log")
        rawValue = UInt64(generation) << Self.indexBits | index.rawValue
    }

    public var generation: UInt16 { UInt16(rawValue >> Self.indexBits) }
    public var index: LogIndex { LogIndex(rawValue & (1 << Self.indexBits - 1)) }
    public var description: String { "\(rawValue)" }
    public static func < (left: Revision, right: Revision) -> Bool { left.rawValue < right.rawValue }
}

/// Names one assignment of one task: the log index of the entry that made it. A command that carries another epoch than
/// the task's current one comes from an executor that lost the task and is refused.
public struct Epoch: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public var description: String { "\(rawValue)" }
    public static func < (left: Epoch, right: Epoch) -> Bool { left.rawValue < right.rawValue }
}

/// The cluster's own clock, in microseconds, as the leader stamped it into the log. It never decreases; every expiry in
/// the state is compared with it.
public struct ClusterTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let microseconds: UInt64
    public static let zero = ClusterTime(microseconds: 0)

    public init(microseconds: UInt64) {
        self.microseconds = microseconds
    }

    /// Stops at the end of the clock instead of wrapping: durations come from commands.
    func adding(milliseconds: UInt64) -> ClusterTime {
        let (added, overflowed) = milliseconds.multipliedReportingOverflow(by: 1_000)
        let (sum, carried) = microseconds.addingReportingOverflow(added)
        return ClusterTime(microseconds: overflowed || carried ? .max : sum)
    }

    public var description: String { "\(microseconds)us" }
    public static func < (left: ClusterTime, right: ClusterTime) -> Bool { left.microseconds < right.microseconds }
}
