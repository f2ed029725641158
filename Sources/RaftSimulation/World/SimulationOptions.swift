import ClusterState
import Raft
import WriteAheadLog

/// Everything a world is made of. `swarm` draws it from the seed. Times in virtual microseconds unless the name says otherwise.
struct SimulationOptions {
    var seed: UInt64 = 1
    var nodes = 3
    /// The first voters; the other nodes come in by changes of the membership. Nil: all of them.
    var founders: Int?
    var safetyTime: UInt64 = 10_000_000
    var settings = RaftSettings(seed: 0)
    var network = NetworkOptions()
    var node = NodeOptions()
    var faults = FaultOptions()
    var workload = WorkloadOptions()
}

/// A node around its Raft; `ServerLimits` names the same things.
struct NodeOptions {
    var applyDelay: ClosedRange<UInt64> = 10...100
    /// One write and its sync.
    var writeDelay: ClosedRange<UInt64> = 100...1000
    var snapshotAfterEntries = 1000
    var retainedEntries = 100
    var snapshotChunkBytes = 256 << 10
    var snapshotPatience: UInt64 = 3_000_000
    var holdTime: UInt64 = 5_000_000
    var resubmitAfter: UInt64 = 500_000
    var noQuorumAfter: UInt64 = 1_000_000
    var gatheredBytes = 256 << 10
    /// Steps below the highest priority, drawn anew at each start.
    var lowestPriority = 0
    /// The machine version of a node's program is drawn at each start, from here to the newest; never older than what is in force.
    var oldestVersion = ClusterState.supportedMachineVersion
    /// Of the nodes' clocks, in millionths.
    var clockDrift = 0
    var log = DurableLog.Limits(
        maximumPayloadBytes: 8 << 10, maximumFrameBytes: 16 << 10, segmentBytes: 64 << 10, zeroFillBytes: 64 << 10,
        readAheadBytes: 64 << 10)
}

/// What goes wrong. Chances per thousand draws, one draw every 50 ms; zero switches a fault off.
struct FaultOptions {
    /// A loss of power: what the disk had not synced may be gone.
    var crash = 0
    /// The process ends, the machine lives.
    var exit = 0
    var terminate = 0
    var pause = 0
    var cut = 0
    var clog = 0
    var swizzle = 0
    var linkFlap = 0
    var transfer = 0
    /// A change of who takes part.
    var reconfiguration = 0
    /// The members change by the commands of an operator, which the leader carries out, and not by what any leader is asked for.
    var membersByCommand = false
    /// A disk is lost for good: the node comes back with a new folder, and the operator tells the cluster (P22).
    var newFolder = 0
    // At their moments, in thousandths, and not by the draw every 50 ms.
    /// A new leader is asked for a change of the members before it has committed anything (P1).
    var changeAtElection = 0
    /// A leader that has begun a change, or has just left by one, is cut off with some of the others (P1, P16).
    var cutAtChange = 0
    /// A new folder that reads in an old configuration of a vote that it has not is cut off right then (P22).
    var cutNewcomer = 0
    /// Who has applied a configuration takes a snapshot of it (P16).
    var snapshotAtChange = 0
    /// A node that was told to take over can hear, and is heard by nobody: its term runs ahead (P15).
    var cutAtTransfer = 0
    /// A leader stops when a heartbeat has left, for longer than the others bear (P4).
    var pauseAtHeartbeat = 0
    var diskStall = 0
    var longestStall: UInt64 = 2_000_000
    var syncFailure = 0
    var diskFull = 0
    var bitFlip = 0
    var misdirection = 0
    var wipe = 0
    /// Between two effects of one step, in millionths.
    var crashAtEffect = 0
    /// While a process starts, in thousandths.
    var crashAtStart = 0
    /// Windows without new faults between windows with them.
    var quietTime: ClosedRange<UInt64> = 500_000...3_000_000
    var disturbedTime: ClosedRange<UInt64> = 500_000...5_000_000
    /// Damage may hit more disks than the cluster can lose. It then need not serve; it must not lie.
    var isBeyondAtlas = false
}

struct WorkloadOptions {
    var clients = 4
    var keys = 4
    var thinkTime: ClosedRange<UInt64> = 1000...200_000
    var workTime: ClosedRange<UInt64> = 1000...500_000
    /// Operations on one key before it is left for a fresh one: bounds the search for a linearization.
    var operationsPerKey = 30
    /// Large ones make writes of several sectors, which a crash can tear.
    var titleBytes = 1
    // Weights of what clients do.
    var creations = 2
    var additions = 6
    var cancellations = 1
    var reads = 6
    var staleReads = 1
    var submissions = 2
}
