import Orchestration
import Raft
import RaftServer
import Telemetry

/// Counts the leaders that this node sees come.
enum LeaderMetrics {
    private static let reasons = ["first", "connection_lost", "other"]

    /// For as long as the cluster's standings last.
    static func count(_ cluster: Cluster, registry: MetricsRegistry) {
        let changes = registry.counters(
            "amas_raft_leader_changes_total",
            help:
                "Leaders that this node has seen come: its first one, after the connection to the last one was lost, or for another reason, such as a handover or silence.",
            labels: [.known("reason", reasons)])
        Task { [standings = cluster.standings, weak cluster] in
            var last: Standing?
            for await standing in standings where standing.leader != nil {
                guard let cluster else { return }
                if last?.leader != standing.leader || last?.term != standing.term {
                    changes.with(reason(after: last?.leader, cluster)).increment()
                }
                last = standing
            }
        }
    }

    private static func reason(after last: NodeID?, _ cluster: Cluster) -> String {
        guard let last else { return "first" }
        guard case .down? = cluster.status?.links.first(where: { $0.node == last })?.state else { return "other" }
        return "connection_lost"
    }
}
