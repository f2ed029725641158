/// Limits and waits of a node's replication, beside those of `Raft.RaftSettings` and `TransportLimits`.
public struct ServerLimits: Sendable {
    /// How long a request is held while no leader can be reached (`design/state.md` 12).
    public var holdMilliseconds: UInt64 = 5000
    /// Links to a majority must be down for this long before requests are refused at once.
    public var noQuorumAfterMilliseconds: UInt64 = 1000
    /// A proposal or read whose fate is unknown for this long is sent again, a proposal then after twice as long, and so on;
    /// sessions make that harmless.
    public var resubmitAfterMilliseconds: UInt64 = 500
    /// Proposals of this node that wait for their outcome. The state machine remembers as many of every session.
    public var outstandingProposals = 65_536
    public var outstandingProposalBytes = 64 << 20
    /// Linearizable reads of this node that wait for their index.
    public var outstandingReads = 65_536
    /// A snapshot is taken once this much was applied since the last one, whichever comes first: a node that starts applies it
    /// again. A large state waits until the log has brought a quarter of its size, or writing it would cost more than it saves.
    public var snapshotAfterEntries: UInt64 = 20_000
    public var snapshotAfterBytes = 64 << 20
    /// Kept in the log behind a snapshot, and in memory, so that a member that lags a little needs no snapshot. Whichever is
    /// less.
    public var retainedEntries: UInt64 = 20_000
    public var retainedBytes = 64 << 20
    public var snapshotChunkBytes = 256 << 10
    /// What all snapshots together that are on their way to other members may take of the network and of the disk.
    public var snapshotBytesPerSecond = 64 << 20
    /// A log whose disk is full looks for room this often.
    public var roomMilliseconds: UInt64 = 500
    /// A receiver that answers nothing for this long is given up; the leader tries again when it is heard.
    public var snapshotPatienceMilliseconds: UInt64 = 3000
    /// Proposals that a leader lets gather while its log is being synced.
    public var gatheredBytes = 256 << 10
    public var gatheringMilliseconds: UInt64 = 10
    /// Proposals forwarded to the leader in one frame.
    public var forwardedBytes = 1 << 20
    /// The pace of time-outs that need no precision.
    public var housekeepingMilliseconds: UInt64 = 50
    /// Bytes of frames from one peer that wait for the server's thread. Beyond them nothing more is read from that peer until
    /// half of them are taken.
    public var inboundBytes = 16 << 20
    /// Indices of the published status are at most this old, or as old as the pace of housekeeping while nothing happens.
    public var statusMilliseconds: UInt64 = 5

    public init() {}
}
