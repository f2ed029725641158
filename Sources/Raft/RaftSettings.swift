/// Timers and limits of one node's Raft. Timers in milliseconds.
///
/// | limit | default | why |
/// |---|---|---|
/// | heartbeat | 50 ms | a tenth of the election timeout |
/// | election timeout | 500 ms + 0…250 ms | above the pauses a busy two-core machine shows |
/// | entries in one message | 256 KiB | large enough to amortise, small enough to pipeline |
/// | messages in flight | 4 | more of them makes the batches smaller |
/// | proposal | 2 MiB | twice the largest request body |
/// | uncommitted | 64 MiB | what a leader may lose track of when it is cut off |
/// | handed to apply | 4,096 entries, 8 MiB | bounds the queue of the apply thread |
/// | disk stall | 1,000 ms | a sync takes milliseconds even on a busy machine |
/// | lag of a new voter | 1,024 entries | some tens of milliseconds of a busy cluster |
/// | priority | 0…3, 3 | each step below 3 lets one election timeout pass for those who are preferred |
/// | reads waiting | 65,536 | as many as requests can be outstanding at a node |
public struct RaftSettings: Hashable, Sendable {
    public var heartbeatMilliseconds: UInt64 = 50
    public var electionMilliseconds: UInt64 = 500
    public var electionJitterMilliseconds: UInt64 = 250
    /// Between the pre-votes of nodes that saw the leader's connection close at the same moment.
    public var suspicionStaggerMilliseconds: UInt64 = 15
    /// A refused pre-vote is asked again after this while suspicion lasts: the others may not have noticed yet.
    public var suspicionRetryMilliseconds: UInt64 = 20
    /// A leader whose oldest write has taken this long hands over leadership, and after twice as long gives it up.
    public var diskStallMilliseconds: UInt64 = 1000
    public var maximumAppendBytes = 256 << 10
    public var maximumInFlightAppends = 4
    public var maximumProposalBytes = 2 << 20
    public var maximumUncommittedBytes = 64 << 20
    public var maximumApplyEntries = 4096
    public var maximumApplyBytes = 8 << 20
    /// Reads waiting for a round of heartbeats, each about 24 bytes.
    public var maximumPendingReads = 65_536
    /// How much this node is preferred as the leader. A lower one lets others campaign first, one election timeout for each step
    /// below the highest, and then campaigns like anybody: a preference that lasted would leave the cluster without a leader.
    public var priority = RaftSettings.highestPriority
    public static let highestPriority: UInt64 = 3
    /// A joining member that lacks no more than this becomes a voter: it has the rest before anybody waits for it.
    public var caughtUpEntries: UInt64 = 1024
    /// Seeds the jitter; different on every node and at every start.
    public var seed: UInt64

    public init(seed: UInt64) {
        self.seed = seed
    }

    /// What a member has not answered is repeated no sooner than this: at most twice a heartbeat.
    var repetitionMilliseconds: UInt64 { heartbeatMilliseconds / 2 }
}

/// SplitMix64 (Steele, Lea, Flood 2014): enough for jitter, and the same everywhere.
struct JitterSource: Hashable, Sendable {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next(below bound: UInt64) -> UInt64 {
        guard bound > 1 else { return 0 }
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return (mixed ^ (mixed >> 31)) % bound
    }
}
