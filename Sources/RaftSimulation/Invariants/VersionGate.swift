import ClusterState
import Raft

/// A node that has said which machine version it knows is asked for nothing newer: the version rises only once every node has
/// announced that it can (`design/state.md` 1). Who says so too late, because it was put back to an older program meanwhile, stops;
/// so does one that the cluster has let go meanwhile, and takes in again.
enum VersionGate {
    static func check(_ process: Process, asked version: UInt32) throws(Violation) {
        guard let known = process.machine.node(process.id)?.record, known.bootID == process.boot.rawValue else {
            return
        }
        if let leader = process.world.newestLeader, leader.machine.node(process.id)?.record.bootID != known.bootID {
            return
        }
        throw Violation(
            "VersionGate",
            "node \(process.id) has announced version \(known.machineVersionMax), and version \(version) is in the log")
    }
}
