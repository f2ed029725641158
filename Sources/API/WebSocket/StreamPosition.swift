import ClusterState
import Raft

/// Names the run of offsets that a client's offset belongs to: the cluster and its generation. Any node of the cluster
/// can resume a client of the same epoch.
enum StreamEpoch {
    static func name(of state: ClusterState) -> String { "\(state.clusterID ?? "").\(state.generation)" }
}

/// Where a client left off.
struct ResumePoint: Equatable, Sendable {
    var epoch: String
    var offset: EventOffset
}
