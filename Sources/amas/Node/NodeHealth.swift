import API
import ClusterState
import Orchestration
import Postgres
import RaftServer

/// The lines of `/api/v1/health` that the node's parts give.
enum NodeHealth {
    private static func log(_ cluster: Cluster) -> ComponentHealth {
        let trouble = cluster.status?.server.logTrouble
        let status: ComponentHealth.Status =
            switch trouble {
            case nil: .ok
            case .full: .degraded
            case .exhausted, .stalled: .down
            }
        return ComponentHealth(name: "log", status: status, detail: trouble.map { "\($0)" })
    }

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
        return [log(cluster), postgres, running]
    }
}
