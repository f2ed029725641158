import ClusterState
import Orchestration
import Raft
import RaftServer
import Synchronization
import Telemetry

/// Counts the tasks that end. Every node applies every end: the one that ran the task counts it, and the leader those that nobody ran,
/// so that the cluster's sum is right.
struct TaskMetrics: Sendable {
    private let executions: CounterFamily
    private let duration: HistogramFamily
    private let assignments: CounterFamily

    init(registry: MetricsRegistry) {
        executions = registry.counters(
            "amas_task_executions_total", help: "Tasks that ended, by how.",
            labels: [.known("status", ["completed", "failed", "cancelled"])])
        assignments = registry.counters(
            "amas_task_assignments_total",
            help: "Tasks given to this node, and, on the leader, tasks taken back from any before their end.",
            labels: [.known("result", ["assigned", "released"])])
        duration = registry.histograms(
            "amas_task_duration_seconds", help: "From a task's start to its end.", unit: .seconds,
            labels: [.known("status", ["completed", "failed", "cancelled"])], buckets: .tasks)
    }

    /// For as long as the cluster lives.
    func observe(_ cluster: Cluster) {
        let (node, boot) = (cluster.identity.node, cluster.identity.boot)
        let hasBegun = Atomic(false)
        _ = cluster.observe { [weak cluster] batch in
            // What is read from the log again at a start was counted by the run that it happened in, the beginning of the batch
            // with which this one became a member too.
            guard hasBegun.load(ordering: .relaxed) else {
                let isMember = batch.state.node(node)?.record.bootID == boot.rawValue
                return hasBegun.store(isMember, ordering: .relaxed)
            }
            for change in batch.applied.lazy.filter({ !$0.isDuplicate }).flatMap(\.assignments) {
                // The node that loses a task is often gone, so the leader counts for it.
                switch change {
                case .assigned(_, let mine) where mine.node == node && mine.boot == boot:
                    assignments.with("assigned").increment()
                case .released where cluster?.status?.isLeader == true: assignments.with("released").increment()
                case .assigned, .released, .cancelRequested: break
                }
            }
            for event in batch.applied.lazy.filter({ !$0.isDuplicate }).flatMap(\.events) {
                guard let status = Self.status(of: event.kind) else { continue }
                let isMine =
                    event.record.nodeID == 0
                    ? cluster?.status?.isLeader == true : NodeID(event.record.nodeID) == node
                guard isMine else { continue }
                executions.with(status).increment()
                duration.with(status).observe(Double(event.record.durationMilliseconds) / 1000)
            }
        }
    }

    private static func status(of kind: EventKind) -> String? {
        switch kind {
        case .taskCompleted: "completed"
        case .taskFailed: "failed"
        case .taskCancelled: "cancelled"
        case .taskCreated, .taskExecutionStarted, .agentStarted, .agentCompleted, .agentFailed, .approvalRequired,
            .memberChanged, .breakerChanged:
            nil
        }
    }
}
