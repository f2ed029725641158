public import Raft
import Synchronization

/// What a server knows of itself and the cluster. Standing, snapshot, halt and the loss of the majority are those of its last
/// event; the other indices may be a few milliseconds old (`ServerLimits.statusMilliseconds`). Times since a contact run on
/// until the status is read, so a server that hangs cannot look as if it had just heard somebody.
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
    /// Nil while the log's disk takes what is written.
    public var logTrouble: LogTrouble?
    /// Bytes that this leader has appended and not yet committed; 0 on the others.
    public var uncommittedBytes = 0
    /// Messages that no correct member sends, dropped since the start.
    public var refusedMessages: UInt64 = 0
    /// Since the server said this: much only while its thread gets no turn.
    public var millisecondsOld: UInt64 = 0
}

/// The status as the loop last published it.
final class PublishedStatus: Sendable {
    struct Figures: Sendable {
        var status: ServerStatus
        /// When each of `status.peers` was last heard.
        var peerContacts: [MonotonicTime]
        var leaderContact: MonotonicTime?
        var publishedAt: MonotonicTime
    }

    private let figures: Mutex<Figures?> = Mutex(nil)

    func update(_ new: Figures) {
        precondition(new.status.peers.count == new.peerContacts.count, "every peer has its moment")
        figures.withLock { $0 = new }
    }

    var current: ServerStatus? {
        guard let figures = figures.withLock({ $0 }) else { return nil }
        let now = MonotonicTime.now
        var status = figures.status
        for place in status.peers.indices {
            status.peers[place].millisecondsSinceContact = now.milliseconds(since: figures.peerContacts[place])
        }
        status.millisecondsSinceLeaderContact = figures.leaderContact.map { now.milliseconds(since: $0) }
        status.millisecondsOld = now.milliseconds(since: figures.publishedAt)
        return status
    }
}
