import API
import ClusterState
import Orchestration

/// The lines of `/api/v1/health` that the node's parts give.
enum NodeHealth {
    static func components(cluster: Cluster, projector: Projector?, executor: Executor) -> [ComponentHealth] {
        let state = cluster.state
        var postgres = ComponentHealth(
            name: "postgresql", status: .ok, detail: nil,
            figures: [("outbox_tasks", Double(state.outboxCount)), ("outbox_bytes", Double(state.outboxBytes))])
        switch projector?.condition {
        case nil: (postgres.status, postgres.detail) = (.degraded, "not configured: tasks stay in the replicated state")
        case .idle?, .writing?: break
        case .waiting(let reason)?: (postgres.status, postgres.detail) = (.degraded, reason)
        case .refused(let reason)?: (postgres.status, postgres.detail) = (.down, reason)
        }
        let running = ComponentHealth(
            name: "executor", status: .ok, detail: nil,
            figures: [("running", Double(executor.runningCount)), ("slots", Double(cluster.configuration.slots))])
        return [postgres, running]
    }
}
