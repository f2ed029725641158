import ClusterState
import NIOCore
import Orchestration
import Raft
import RaftServer
import Telemetry

/// The node's own figures that no room declares for itself: Raft, tasks, members and the outbox. Names are those of
/// `reference/observability.md`. Most are read at each scrape, from what the rooms publish anyway.
struct NodeMetrics: Sendable {
    let logSync: Histogram
    let apply: Histogram
    private let commit: Histogram
    private let readIndex: Histogram
    private let failedProposals: CounterFamily
    private let reads: CounterFamily
    private let registry: MetricsRegistry

    init(registry: MetricsRegistry) {
        self.registry = registry
        logSync = registry.histogram(
            "amas_raft_wal_fsync_duration_seconds", help: "Time of one sync of the log.", unit: .seconds, buckets: .disk
        )
        apply = registry.histogram(
            "amas_raft_apply_duration_seconds", help: "Time to apply one batch of entries.", unit: .seconds,
            buckets: .disk)
        commit = registry.histogram(
            "amas_raft_commit_duration_seconds",
            help: "From a proposal of this node to its outcome here, waits for a leader included.", unit: .seconds,
            buckets: .disk)
        readIndex = registry.histogram(
            "amas_raft_read_index_duration_seconds", help: "Time of a linearizable read of this node.", unit: .seconds,
            buckets: .disk)
        failedProposals = registry.counters(
            "amas_raft_proposals_failed_total", help: "Proposals of this node without an outcome.", labels: ["reason"])
        reads = registry.counters(
            "amas_raft_reads_total", help: "Linearizable reads of this node.", labels: ["result"])
    }

    func answered(_ kind: RequestKind, microseconds: UInt64, error: RequestError?) {
        switch (kind, error) {
        case (.proposal, nil): commit.observe(.microseconds(microseconds))
        case (.proposal, let error?): failedProposals.with(error.metricLabel).increment()
        case (.read, let error):
            readIndex.observe(.microseconds(microseconds))
            reads.with(error?.metricLabel ?? "ok").increment()
        }
    }

    func register(_ cluster: Cluster) {
        registerRaft(cluster)
        registerLinks(cluster)
        registerMembers(cluster)
        registerTasks(cluster)
        TaskMetrics(registry: registry).observe(cluster)
        countLeaders(cluster)
    }

    private func registerRaft(_ cluster: Cluster) {
        func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable (ServerStatus) -> Double) {
            registry.gauge(name, help: help, sampledBy: { cluster.status.map { value($0.server) } })
        }
        gauge("amas_raft_has_leader", "Whether this node knows a leader.") { $0.standing.leader == nil ? 0 : 1 }
        gauge("amas_raft_is_leader", "Whether this node leads.") { $0.standing.role == .leader ? 1 : 0 }
        gauge("amas_raft_term", "The current term.") { Double($0.standing.term.rawValue) }
        gauge("amas_raft_commit_index", "The last committed entry known here.") { Double($0.commitIndex.rawValue) }
        gauge("amas_raft_applied_index", "The last applied entry.") { Double($0.appliedIndex.rawValue) }
        gauge("amas_raft_snapshot_index", "The last entry in the newest snapshot.") {
            Double($0.snapshotIndex.rawValue)
        }
        gauge("amas_raft_log_entries", "Entries kept in the log.") {
            Double($0.lastIndex.rawValue - $0.firstIndex.rawValue + 1)
        }
        registry.gauge(
            "amas_raft_leader_last_contact_seconds", help: "Since this node last heard the leader; absent without one.",
            unit: .seconds,
            sampledBy: { cluster.status?.server.millisecondsSinceLeaderContact.map { Double($0) / 1000 } })
        registry.gauge(
            "amas_raft_proposals_pending", help: "Proposals of this node without an outcome.",
            sampledBy: { Double(cluster.outstandingProposals) })
        registry.counter(
            "amas_raft_messages_refused_total",
            help: "Messages dropped because no correct member sends them: a bug or damage at a peer.",
            sampledBy: { cluster.status.map { Double($0.server.refusedMessages) } })
    }

    private func registerLinks(_ cluster: Cluster) {
        registry.gauges(
            "amas_raft_replication_lag_entries", help: "Entries that a member does not have yet, as the leader knows.",
            labels: ["peer"],
            sampledBy: {
                guard let server = cluster.status?.server else { return [] }
                return server.peers.map {
                    MetricSample(
                        [cluster.name(of: $0.id)],
                        Double(server.lastIndex.rawValue - min(server.lastIndex, $0.match).rawValue))
                }
            })
        registry.gauges(
            "amas_raft_peer_rtt_seconds", help: "Smoothed round trip to a member.", unit: .seconds, labels: ["peer"],
            sampledBy: {
                cluster.status?.links.compactMap { link in
                    link.roundTrip.map { MetricSample([cluster.name(of: link.node)], Double($0.nanoseconds) / 1e9) }
                } ?? []
            })
        registry.counters(
            "amas_raft_messages_dropped_total",
            help: "Frames to a member that its link had no room for, or lost when it went down.",
            labels: ["peer"],
            sampledBy: {
                cluster.status?.links.map { MetricSample([cluster.name(of: $0.node)], Double($0.framesDropped)) } ?? []
            })
    }

    private func registerMembers(_ cluster: Cluster) {
        registry.gauges(
            "amas_cluster_members", help: "Members by what the state says of them.", labels: ["state"],
            sampledBy: {
                let nodes = cluster.state.nodes
                return NodeStatus.allCases.map { status in
                    MetricSample([status.name], Double(nodes.count { $0.status == status }))
                }
            })
        registry.gauge(
            "amas_cluster_failure_tolerance",
            help: "Voters that may still fail, as this node sees it; below zero without a quorum.",
            sampledBy: { cluster.status.map { Double(Self.tolerance($0)) } })
    }

    private static func tolerance(_ status: ClusterStatus) -> Int {
        let voters = status.server.membership.voters
        let up = status.links.filter { if case .up = $0.state { true } else { false } }.map(\.node)
        let reachable = voters.count { $0 == status.identity.node || up.contains($0) }
        return reachable - (voters.count / 2 + 1)
    }

    private func registerTasks(_ cluster: Cluster) {
        registry.gauges(
            "amas_tasks", help: "Tasks in the replicated state by status.", labels: ["status"],
            sampledBy: {
                let counts = cluster.state.counts
                return TaskStatus.allCases.map { MetricSample([$0.name], Double(counts[$0])) }
            })
        registry.gauge(
            "amas_task_queue_depth", help: "Tasks that wait for a slot.",
            sampledBy: { Double(cluster.state.counts.queued) })
        registry.gauge(
            "amas_outbox_pending", help: "Tasks that PostgreSQL has not taken.",
            sampledBy: { Double(cluster.state.outboxCount) })
        registry.gauge(
            "amas_outbox_bytes", help: "Bytes that PostgreSQL has not taken.", unit: .bytes,
            sampledBy: { Double(cluster.state.outboxBytes) })
    }

    /// Lives as long as the cluster's standings do.
    private func countLeaders(_ cluster: Cluster) {
        let changes = registry.counter(
            "amas_raft_leader_changes_total", help: "Leaders that this node has seen come, the first one included.")
        Task { [standings = cluster.standings] in
            var last: Standing?
            for await standing in standings where standing.leader != nil {
                if last?.leader != standing.leader || last?.term != standing.term { changes.increment() }
                last = standing
            }
        }
    }
}

extension RequestError {
    fileprivate var metricLabel: String {
        switch self {
        case .noQuorum: "no_quorum"
        case .timedOut: "timeout"
        case .overloaded: "overloaded"
        case .tooLarge: "too_large"
        case .stopped: "stopped"
        case .cancelled: "cancelled"
        }
    }
}
