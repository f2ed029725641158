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
    let incarnation: UInt64
    /// The newest machine version that its program knows.
    var version = ClusterState.supportedMachineVersion
    /// Nil while no process runs.
    var process: Process?
    /// What its disk is certain to hold.
    var durable = DurableView()
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

    func isPaused(at now: UInt64) -> Bool { now < pausedUntil }
}
