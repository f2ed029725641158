/// One record of the replicated log.
///
/// `data` shares the storage of the batch it arrived in, so that a batch costs one allocation however many entries it holds.
public struct Entry: Hashable, Sendable {
    public enum Kind: UInt8, Sendable {
        /// A leader's first entry in its term: committing it commits all that came before (Raft §5.4.2).
        case noop = 0
        /// A `Membership`, effective from the moment it is appended.
        case configuration = 1
        /// An `Envelope` for the state machine.
        case command = 2
    }

    public var index: LogIndex
    public var term: Term
    public var kind: Kind
    public var data: ArraySlice<UInt8>

    public init(index: LogIndex, term: Term, kind: Kind, data: ArraySlice<UInt8>) {
        precondition(index > .zero, "the log begins at 1")
        self.index = index
        self.term = term
        self.kind = kind
        self.data = data
    }

    /// What the entry counts against limits in bytes: its data and a fixed cost for the rest.
    public var sizeInBytes: Int { data.count + Self.overheadBytes }
    /// The header of an entry in a frame, and about what it costs in memory.
    static let overheadBytes = 32
}

/// Where a log ends: what two logs are compared by (Raft §5.4.1).
public struct LogPosition: Hashable, Comparable, Sendable {
    public var index: LogIndex
    public var term: Term
    public static let zero = LogPosition(index: .zero, term: .zero)

    public init(index: LogIndex, term: Term) {
        self.index = index
        self.term = term
    }

    /// Less up to date: an earlier last term, or the same with a shorter log.
    public static func < (left: LogPosition, right: LogPosition) -> Bool {
        left.term != right.term ? left.term < right.term : left.index < right.index
    }
}

/// What a node must never forget before it speaks: its term and the one vote it gave in it (Raft figure 2).
/// The two are one record, so that no crash can keep one and lose the other.
public struct HardState: Hashable, Sendable {
    public var term: Term
    public var votedFor: NodeID?
    public static let initial = HardState(term: .zero, votedFor: nil)

    public init(term: Term, votedFor: NodeID?) {
        self.term = term
        self.votedFor = votedFor
    }
}

/// A snapshot of the state machine without its bytes: all entries up to `position` are in it.
public struct SnapshotDescriptor: Hashable, Sendable {
    public var position: LogPosition
    public var membership: Membership

    public init(position: LogPosition, membership: Membership) {
        self.position = position
        self.membership = membership
    }
}
