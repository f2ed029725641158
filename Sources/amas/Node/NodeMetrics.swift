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
    let snapshots: CounterFamily
    let requests: RequestMetrics
    private let registry: MetricsRegistry

    init(registry: MetricsRegistry) {
        self.registry = registry
        logSync = registry.histogram(
            "amas_raft_wal_fsync_duration_seconds", help: "Time of one sync of the log.", unit: .seconds, buckets: .disk
        )
        apply = registry.histogram(
            "amas_raft_apply_duration_seconds", help: "Time to apply one batch of entries.", unit: .seconds,
            buckets: .disk)
        snapshots = registry.counters(
            "amas_raft_snapshots_total", help: "What was done with snapshots of the state.",
            labels: [
                .known("op", SnapshotOperation.allCases.map(\.rawValue)), .known("result", ["ok", "failed"]),
            ])
        requests = RequestMetrics(registry: registry)
    }

    func register(_ cluster: Cluster) {
        registerRaft(cluster)
        registerLinks(cluster)
        registerMembers(cluster)
        registerTasks(cluster)
        TaskMetrics(registry: registry).observe(cluster)
        LeaderMetrics.count(cluster, registry: registry)
        requests.register(cluster, registry: registry)
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
        registry.gauge(
            "amas_raft_proposals_pending_bytes", help: "Bytes of the proposals of this node without an outcome.",
            unit: .bytes, sampledBy: { Double(cluster.outstandingProposalBytes) })
        registry.gauge(
            "amas_raft_uncommitted_bytes", help: "Bytes that this leader has appended and not yet committed.",
            unit: .bytes, sampledBy: { cluster.status.map { Double($0.server.uncommittedBytes) } })
        registry.gauges(
            "amas_raft_wal_trouble", help: "1 for what is wrong with the disk of the log.", labels: ["kind"],
            sampledBy: {
                guard let status = cluster.status else { return [] }
                return LogTrouble.allCases.map { MetricSample([$0.rawValue], $0 == status.server.logTrouble ? 1 : 0) }
            })
        registry.counter(
            "amas_raft_messages_refused_total",
            help: "Messages dropped because no correct member sends them: a bug or damage at a peer.",
            sampledBy: { cluster.status.map { Double($0.server.refusedMessages) } })
    }

    private func registerLinks(_ cluster: Cluster) {
        registry.gauges(
            "amas_raft_replication_lag_entries",
            help: "Committed entries that a member does not have yet; only on the leader.", labels: ["peer"],
            sampledBy: {
                guard let status = cluster.status, status.isLeader else { return [] }
                return status.members.members.compactMap { member in
                    member.id == status.identity.node
                        ? nil : member.lagEntries.map { MetricSample([cluster.name(of: member.id)], Double($0)) }
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
        registry.info(
            "amas_fsm_hash_info", help: "The state's hash at an index; nodes that report the same index must agree.",
            labels: ["index", "hash"],
            sampledBy: { cluster.comparableHash.map { ["\($0.index)", "\($0.hash)"] } })
        registry.gauges(
            "amas_cluster_members", help: "Members, as the leader sees them, or this node without one.",
            labels: ["state", "role"],
            sampledBy: {
                guard let members = cluster.status?.members.members else { return [] }
                let state = cluster.state
                return MemberStatus.Condition.allCases.flatMap { condition in
                    MemberStatus.Role.allCases.map { role in
                        MetricSample(
                            ["\(condition)", "\(role)"],
                            Double(members.count { $0.role == role && $0.condition(in: state) == condition }))
                    }
                }
            })
        registry.gauge(
            "amas_cluster_failure_tolerance",
            help: "Voters that may still fail; below zero if one that is lost or far behind is needed.",
            sampledBy: { cluster.status.map { Double($0.members.failureTolerance) } })
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
            "amas_outbox_oldest_age_seconds", help: "Age of the oldest change that PostgreSQL has not taken.",
            unit: .seconds,
            sampledBy: {
                let state = cluster.state
                guard let oldest = state.outbox(limit: 1, byteLimit: .max).first,
                    let changed = state.task(oldest.key)?.record.updatedWall
                else { return 0 }
                return max(0, Double(WallTime.system().microsecondsSince1970) - Double(changed)) / 1e6
            })
        registry.gauge(
            "amas_outbox_bytes", help: "Bytes that PostgreSQL has not taken.", unit: .bytes,
            sampledBy: { Double(cluster.state.outboxBytes) })
    }
}
