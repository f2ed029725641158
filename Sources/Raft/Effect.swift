/// What a node's Raft wants done. Effects of one step are executed in order; none blocks the next step.
public enum Effect: Hashable, Sendable {
    /// May be sent at once: whatever it promises is durable already.
    case send(Message)
    case persist(Write)
    /// Committed and durable here; to be applied in order, and reported by `Input.applied`.
    case apply([Entry])
    /// A linearizable read may be answered from the local state once it has applied `index`.
    case readReady(ReadToken, index: LogIndex)
    case readRejected(ReadToken, RejectionReason)
    /// Nothing was appended for these proposals.
    case proposalsRejected([UInt64], RejectionReason)
    /// Stream this snapshot to the peer on the bulk channel, then report `Input.snapshotSent`.
    case sendSnapshot(to: NodeID, SnapshotDescriptor)
    /// Make the received snapshot the state machine and the beginning of the log, then report `Input.snapshotInstalled`.
    case installSnapshot(SnapshotDescriptor)
    /// Entries up to this index are in a durable snapshot and no longer wanted from the log.
    case compact(through: LogIndex)
    case roleChanged(Standing)
    case membershipChanged(Membership)
    /// The change is in the log at `index`. It is in force, and done once the membership at or after `index` that is applied
    /// is not joint any more, unless a later leader takes it back before it is committed.
    case membershipChangeAccepted(UInt64, index: LogIndex)
    case membershipChangeRejected(UInt64, MembershipRejection)
    /// The member denies entries that it had acknowledged: its disk was put back, or lost what it had confirmed. It is brought up
    /// again; whoever runs it must know.
    case memberForgot(NodeID, acknowledged: LogIndex, last: LogIndex)
    /// Also of a transfer that the leader began by itself because its disk stands still.
    case transferEnded(TransferOutcome)
}

/// One write to the log. Within it: truncate first, then term and vote, then the entries that they allow.
public struct Write: Hashable, Sendable {
    public var token: WriteToken
    /// Entries from here on are void.
    public var truncateFrom: LogIndex?
    public var hardState: HardState?
    public var entries: [Entry]
}

public enum RejectionReason: Hashable, Sendable {
    case notLeader(leader: NodeID?)
    /// Leadership is being handed over; ask again shortly.
    case transferring
    case tooLarge(limitBytes: Int)
    /// More is uncommitted than the limit allows.
    case overloaded
}

public enum TransferOutcome: Hashable, Sendable {
    case completed(NodeID)
    case noTarget
    case timedOut
}

/// A node's place in the cluster, as far as it knows.
public struct Standing: Hashable, Sendable {
    public enum Role: UInt8, Hashable, Sendable {
        case follower, preCandidate, candidate, leader

        /// As answers, logs and metrics have it.
        public var name: String {
            switch self {
            case .follower: "follower"
            case .preCandidate: "pre_candidate"
            case .candidate: "candidate"
            case .leader: "leader"
            }
        }
    }

    public var role: Role
    public var term: Term
    public var leader: NodeID?

    public init(role: Role, term: Term, leader: NodeID?) {
        self.role = role
        self.term = term
        self.leader = leader
    }
}
