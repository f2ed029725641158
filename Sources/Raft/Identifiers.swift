/// A member of the cluster: voter, learner or gateway. Small, assigned by the operator, never reused for another
/// machine. Zero is reserved and means "none" in formats.
public struct NodeID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: NodeID, right: NodeID) -> Bool { left.rawValue < right.rawValue }
    public var description: String { "\(rawValue)" }
}

/// One life of a node's data folder. A wiped disk comes back under another one and may not vote until it was replaced
/// (`design/raft.md` §1.7, `design/state.md` 25).
public struct Incarnation: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue, radix: 16) }
}

/// One run of a node's process. It is on disk before the process speaks to anybody, and a later run has the greater value, also
/// on another data folder.
public struct BootID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: BootID, right: BootID) -> Bool { left.rawValue < right.rawValue }
    public var description: String { "\(rawValue)" }
}

/// A leader's reign (Raft §5.1). At most one leader exists in a term; zero is before the first election.
public struct Term: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64
    public static let zero = Term(0)

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: Term, right: Term) -> Bool { left.rawValue < right.rawValue }
    public var next: Term { Term(rawValue + 1) }
    public var description: String { "\(rawValue)" }
}

/// A place in the log. The first entry is 1; zero is before it.
public struct LogIndex: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64
    public static let zero = LogIndex(0)

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: LogIndex, right: LogIndex) -> Bool { left.rawValue < right.rawValue }
    public static func + (left: LogIndex, right: Int) -> LogIndex { LogIndex(left.rawValue + UInt64(right)) }
    public var next: LogIndex { LogIndex(rawValue + 1) }
    /// The entry before this one. Only for indices above zero.
    public var previous: LogIndex {
        precondition(rawValue > 0, "there is no entry before the beginning of the log")
        return LogIndex(rawValue - 1)
    }
    public var description: String { "\(rawValue)" }
}

/// Milliseconds on one node's monotonic clock, from an origin of that node's own. Ticks of two nodes are never compared.
public struct Tick: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64
    public static let zero = Tick(0)

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: Tick, right: Tick) -> Bool { left.rawValue < right.rawValue }
    public static func + (left: Tick, milliseconds: UInt64) -> Tick { Tick(left.rawValue + milliseconds) }
    /// Milliseconds since `earlier`; zero if `earlier` lies ahead.
    public func since(_ earlier: Tick) -> UInt64 { rawValue > earlier.rawValue ? rawValue - earlier.rawValue : 0 }
    public var description: String { "\(rawValue)ms" }
}
