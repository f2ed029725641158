import API
import ClusterState
import Orchestration
import Postgres

/// The lines of `/api/v1/health` that the node's parts give.
enum NodeHealth {
    static func components(cluster: Cluster, projector: Projector?, pools: [PostgresPool], executor: Executor)
        -> [ComponentHealth]
    {
        let state = cluster.state
        var postgres = ComponentHealth(
            name: "postgresql", status: .ok, detail: nil,
            figures: [("outbox_tasks", Double(state.outboxCount)), ("outbox_bytes", Double(state.outboxBytes))])
        switch projector?.condition {
        case nil: postgres.detail = "not configured: tasks stay in the replicated state"
        // Only the leader writes; what a follower knows of PostgreSQL is whether its own connections stand.
        case .idle?, .writing?:
            if pools.allSatisfy({ $0.usage.connected == 0 }) {
                (postgres.status, postgres.detail) = (.degraded, "no connection")
            }
        case .waiting(let reason)?: (postgres.status, postgres.detail) = (.degraded, reason)
        case .refused(let reason)?: (postgres.status, postgres.detail) = (.down, reason)
        }
        let running = ComponentHealth(
            name: "executor", status: .ok, detail: nil,
            figures: [("running", Double(executor.runningCount)), ("slots", Double(cluster.configuration.slots))])
        return [postgres, running]
    }
}
