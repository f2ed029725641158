import ClusterState
import Raft
import WriteAheadLog

/// A machine: what outlives a process.
final class Node {
    let id: NodeID
    /// Its place among the nodes of the world.
    let place: Int
    let disk: SimulatedDisk
    let owner: LogOwner
    /// Of its folder; the number of that folder's first run; and whether it was made for a cluster that there is already.
    private(set) var incarnation: UInt64
    private(set) var firstBoot: UInt64 = 1
    private(set) var joins = false
    /// The newest machine version that its program knows.
    var version = ClusterState.supportedMachineVersion
    /// Nil while no process runs.
    var process: Process?
    /// What its disk is certain to hold.
    var durable = DurableView()
    /// What the folder before was certain to hold when it was lost: until a node takes the new one for this node's, it counts on
    /// that.
    private(set) var former: DurableView?
    /// A truncation is on its way to the disk: after a crash, entries may be missing that were durable.
    var isTruncating = false
    /// Why the last start was refused.
    var refusal: String?
    var pausedUntil: UInt64 = 0
    /// How long after a pause the process first looks at its timers: what came in meanwhile may be read before (P4).
    var timerDelay: UInt64 = 0
    var diskStalledUntil: UInt64 = 0
    /// Its clock runs this many millionths fast.
    var clockDrift = 0
    /// A fault has damaged what its disk had synced: it may refuse to start, and has no part in the core.
    var isDamaged = false
    /// A restart is planned.
    var isRestarting = false
    /// It is out of service: no planned restart counts.
    var staysDown = false

    init(place: Int, incarnation: UInt64) {
        id = NodeID(UInt64(place + 1))
        self.place = place
        self.incarnation = incarnation
        disk = SimulatedDisk(folder: "node-\(place + 1)")
        owner = LogOwner(clusterID: "simulation", nodeID: id.rawValue)
    }

    /// Its disk is another one, for a cluster that there is already.
    func loseDisk(newIncarnation: UInt64) {
        precondition(process == nil, "nobody uses the disk")
        former = durable
        durable = DurableView()
        isTruncating = false
        disk.wipe()
        (incarnation, joins) = (newIncarnation, true)
        firstBoot += Self.mostBoots
    }

    /// Of one folder.
    private static let mostBoots: UInt64 = 10_000

    func isPaused(at now: UInt64) -> Bool { now < pausedUntil }
}
