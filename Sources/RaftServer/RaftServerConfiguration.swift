public import Raft
import WriteAheadLog

/// How one member takes part.
public struct RaftServerConfiguration: Sendable {
    public var clusterID: String
    public var node: NodeID
    /// Holds the log, the snapshots and the node's identity; of this node alone.
    public var folder: String
    /// Whether an empty folder becomes that of a new member. Only ever once in the life of a member, by an explicit act: the
    /// same empty folder may be one that was wiped, and a member that forgot what it promised could elect a leader without
    /// the entries that it had acknowledged.
    public var makesFolder = false
    /// The members of a new cluster. Once there is a log, the log says who they are; a folder that was made while this was empty
    /// never founds one.
    public var bootstrap: Membership
    /// Where the other members are reached.
    public var peers: [NodeID: PeerAddress]
    public var listen: PeerAddress
    public var advertised: PeerAddress?
    /// Nil: plaintext. For tests on loopback.
    public var tls: PeerTransport.TLSFiles?
    public var raft: RaftSettings
    public var limits = ServerLimits()
    public var transport = PeerTransport.Limits()
    var log = DurableLog.Limits()
    var payloads = PayloadStore.Limits()
    /// Opens the folder in which the log lies.
    var openStorage: @Sendable (_ folder: String) throws(WriteAheadLogError) -> any LogStorage = {
        (folder: String) throws(WriteAheadLogError) in try PosixLogStorage(folder: folder)
    }
    /// SCHED_FIFO priority that `Timekeeper` lends, where the system permits it. Nil: it lends none.
    public var realtimePriority: Int32?
    public var machineVersionMax: UInt32
    public var softwareVersion: String

    public init(
        clusterID: String, node: NodeID, folder: String, bootstrap: Membership, peers: [NodeID: PeerAddress],
        listen: PeerAddress, tls: PeerTransport.TLSFiles?, raft: RaftSettings, machineVersionMax: UInt32,
        softwareVersion: String
    ) {
        self.clusterID = clusterID
        self.node = node
        self.folder = folder
        self.bootstrap = bootstrap
        self.peers = peers
        self.listen = listen
        self.tls = tls
        self.raft = raft
        self.machineVersionMax = machineVersionMax
        self.softwareVersion = softwareVersion
    }
}

/// Who this process is: the node, the folder it was made with, and the run.
public struct ServerIdentity: Hashable, Sendable {
    public var node: NodeID
    public var incarnation: Incarnation
    public var boot: BootID
}

/// What a server tells the rooms above. Every closure is called on a thread that must not wait.
public struct RaftServerCallbacks: Sendable {
    /// Whether the member that says this may take part with the folder that it has; see `Verdict`.
    public var isKnown: @Sendable (Hello) -> PeerTransport.Verdict
    public var standingChanged: @Sendable (Standing) -> Void
    public var linkChanged: @Sendable (NodeID, LinkEvent) -> Void
    public var ephemeral: @Sendable (NodeID, [UInt8]) -> Void
    /// A sync of the log took this long.
    public var logSynced: @Sendable (_ microseconds: UInt64) -> Void
    /// A batch up to this index was applied in this time.
    public var applied: @Sendable (LogIndex, _ microseconds: UInt64) -> Void
    /// A proposal or a read of this node was answered after this time, holds included; nil if it was answered as asked.
    public var answered: @Sendable (RequestKind, _ microseconds: UInt64, RequestError?) -> Void
    public var snapshot: @Sendable (SnapshotOperation, _ succeeded: Bool) -> Void
    /// The disk has failed: the process must end, because nothing it says from now on could be kept.
    public var failed: @Sendable (String) -> Never

    public init(
        isKnown: @escaping @Sendable (Hello) -> PeerTransport.Verdict,
        standingChanged: @escaping @Sendable (Standing) -> Void = { _ in },
        linkChanged: @escaping @Sendable (NodeID, LinkEvent) -> Void = { _, _ in },
        ephemeral: @escaping @Sendable (NodeID, [UInt8]) -> Void = { _, _ in },
        logSynced: @escaping @Sendable (UInt64) -> Void = { _ in },
        applied: @escaping @Sendable (LogIndex, UInt64) -> Void = { _, _ in },
        answered: @escaping @Sendable (RequestKind, UInt64, RequestError?) -> Void = { _, _, _ in },
        snapshot: @escaping @Sendable (SnapshotOperation, Bool) -> Void = { _, _ in },
        failed: @escaping @Sendable (String) -> Never
    ) {
        self.isKnown = isKnown
        self.standingChanged = standingChanged
        self.linkChanged = linkChanged
        self.ephemeral = ephemeral
        self.logSynced = logSynced
        self.applied = applied
        self.answered = answered
        self.snapshot = snapshot
        self.failed = failed
    }
}

/// What a node asks of the cluster.
public enum RequestKind: Sendable {
    case proposal
    /// A linearizable read; others ask nobody.
    case read
}

/// What is done with snapshots of the state.
public enum SnapshotOperation: String, CaseIterable, Sendable {
    case save, send, receive, install
}
