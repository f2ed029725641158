public import Raft
import Synchronization

/// What a server knows of itself and the cluster, as of its last event.
public struct ServerStatus: Sendable {
    public struct Peer: Sendable {
        public var id: NodeID
        /// The last entry known to be durable there.
        public var match: LogIndex
        public var isReachable: Bool
        public var millisecondsSinceContact: UInt64
    }

    public var id: NodeID
    public var standing: Standing
    public var membership: Membership
    public var lastIndex: LogIndex
    public var firstIndex: LogIndex
    public var commitIndex: LogIndex
    public var durableIndex: LogIndex
    public var appliedIndex: LogIndex
    public var snapshotIndex: LogIndex
    /// The leader's view of the other members; empty on the others.
    public var peers: [Peer]
    /// Since this node last heard the leader; nil without one.
    public var millisecondsSinceLeaderContact: UInt64?
    /// The leader's clock, as of the last event; zero on the others.
    public var clusterTimeMicroseconds: UInt64
    /// Links to a majority have been down for so long that requests are refused.
    public var hasLostMajority: Bool
    public var halted: StateMachineHalt?
    /// Messages that no correct member sends, dropped since the start.
    public var refusedMessages: UInt64 = 0
}

/// The status as the loop last published it.
final class PublishedStatus: Sendable {
    private let status: Mutex<ServerStatus?> = Mutex(nil)

    func update(_ new: ServerStatus) {
        status.withLock { $0 = new }
    }

    var current: ServerStatus? { status.withLock { $0 } }
}
