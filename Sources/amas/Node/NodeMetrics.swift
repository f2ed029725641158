import ClusterState
import NIOCore
import Orchestration
import Raft
import RaftServer
import Telemetry

/// The node's own figures that no room declares for itself: Raft, tasks and the outbox, read at each scrape.
struct NodeMetrics: Sendable {
    let logSync: Histogram
    let apply: Histogram

    init(registry: MetricsRegistry) {
        logSync = registry.histogram(
            "amas_raft_wal_fsync_duration_seconds", help: "Time of one sync of the log.", unit: .seconds, buckets: .disk)
        apply = registry.histogram(
            "amas_raft_apply_duration_seconds", help: "Time to apply one batch of entries.", unit: .seconds, buckets: .disk)
    }

    func register(_ cluster: Cluster, in registry: MetricsRegistry) {
        registerRaft(cluster, in: registry)
        registerTasks(cluster, in: registry)
    }

    private func registerRaft(_ cluster: Cluster, in registry: MetricsRegistry) {
        func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable (ServerStatus) -> Double) {
            registry.gauge(name, help: help, sampledBy: { cluster.status.map { value($0.server) } })
        }
        gauge("amas_raft_has_leader", "Whether this node knows a leader.") { $0.standing.leader == nil ? 0 : 1 }
        gauge("amas_raft_is_leader", "Whether this node leads.") { $0.standing.role == .leader ? 1 : 0 }
        gauge("amas_raft_term", "The current term.") { Double($0.standing.term.rawValue) }
        gauge("amas_raft_commit_index", "The last committed entry known here.") { Double($0.commitIndex.rawValue) }
        gauge("amas_raft_applied_index", "The last applied entry.") { Double($0.appliedIndex.rawValue) }
        gauge("amas_raft_log_entries", "Entries kept in the log.") { Double($0.lastIndex.rawValue - $0.firstIndex.rawValue + 1) }
        registry.gauge(
            "amas_raft_proposals_pending", help: "Proposals of this node without an outcome.",
            sampledBy: { Double(cluster.outstandingProposals) })
        registry.gauges(
            "amas_raft_replication_lag_entries", help: "Entries that a member does not have yet, as the leader knows.",
            labels: ["peer"],
            sampledBy: {
                guard let server = cluster.status?.server else { return [] }
                return server.peers.map {
                    MetricSample(
                        [cluster.name(of: $0.id)], Double(server.lastIndex.rawValue - min(server.lastIndex, $0.match).rawValue))
                }
            })
        registry.gauges(
            "amas_raft_peer_rtt_seconds", help: "Smoothed round trip to a member.", unit: .seconds, labels: ["peer"],
            sampledBy: {
                cluster.status?.links.compactMap { link in
                    link.roundTrip.map { MetricSample([cluster.name(of: link.node)], Double($0.nanoseconds) / 1e9) }
                } ?? []
            })
    }

    private func registerTasks(_ cluster: Cluster, in registry: MetricsRegistry) {
        registry.gauges(
            "amas_tasks", help: "Tasks in the replicated state by status.", labels: ["status"],
            sampledBy: {
                let counts = cluster.state.counts
                return TaskStatus.allCases.map { MetricSample([$0.name], Double(counts[$0])) }
            })
        registry.gauge(
            "amas_task_queue_depth", help: "Tasks that wait for a slot.", sampledBy: { Double(cluster.state.counts.queued) })
        registry.gauge(
            "amas_outbox_pending", help: "Tasks that PostgreSQL has not taken.", sampledBy: { Double(cluster.state.outboxCount) })
        registry.gauge(
            "amas_outbox_bytes", help: "Bytes that PostgreSQL has not taken.", unit: .bytes,
            sampledBy: { Double(cluster.state.outboxBytes) })
    }
}
