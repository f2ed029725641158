/// Everything that can happen to a node's Raft.
public enum Input: Sendable {
    /// Time has passed. To be given whenever `Raft.nextDeadline` is reached.
    case tick
    case message(Message)
    /// All writes up to and including this one are durable. Completions arrive in the order of the writes.
    case persisted(WriteToken)
    case propose([Proposal])
    /// "From which index on does the local state answer a linearizable read?"
    case read(ReadToken)
    /// The state machine has applied everything up to this index.
    case applied(LogIndex)
    /// The nodes that the cluster knows by their folders, by what is applied; this node only if by the folder that it has.
    ///
    /// Until it is among them, a node whose folder was made for a running cluster does not campaign: as it reads the log from
    /// the beginning, it passes configurations in which a folder before its own had a vote, and could elect itself with that.
    /// And nobody gets a vote before, or nobody could tell its folder from the next one (P22).
    case recognized(Set<NodeID>)
    case linkUp(NodeID)
    /// The connection to a peer has closed. This is stronger than silence: the peer's process is probably gone.
    case linkDown(NodeID)
    /// Hand leadership to `to`, or to the most caught-up voter.
    case transferLeadership(to: NodeID?)
    /// Answered at once by `Effect.membershipChangeAccepted` or `.membershipChangeRejected` with the caller's token.
    case changeMembership(UInt64, MembershipChange)
    /// A snapshot of the state machine is durable here, newer than the last; entries up to `compactThrough` may be forgotten.
    case snapshotSaved(SnapshotDescriptor, compactThrough: LogIndex)
    /// The snapshot of an `installSnapshot` effect is durable and the state machine has been set to it.
    case snapshotInstalled(SnapshotDescriptor)
    /// The bytes of a `sendSnapshot` effect were handed over, or could not be.
    case snapshotSent(to: NodeID, succeeded: Bool)
}

/// Identifies one `persist` effect. Tokens rise by one.
public struct WriteToken: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt64
    public static let none = WriteToken(rawValue: 0)

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: WriteToken, right: WriteToken) -> Bool { left.rawValue < right.rawValue }
    var next: WriteToken { WriteToken(rawValue: rawValue + 1) }
}

/// Chosen by the caller, returned with the answer.
public struct ReadToken: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// A command to append. `token` is the caller's and only names the proposal in a rejection: success is seen in `apply`.
public struct Proposal: Hashable, Sendable {
    public var token: UInt64
    public var data: ArraySlice<UInt8>

    public init(token: UInt64, data: ArraySlice<UInt8>) {
        self.token = token
        self.data = data
    }
}
