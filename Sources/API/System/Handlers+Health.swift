import ClusterState
import HTTPTypes
import Orchestration
import Raft
import RaftServer
import Telemetry

extension Handlers {
    /// `GET /livez`: the process can answer.
    func live(_ call: Call) async throws(Problem) -> Answer {
        .json { $0.field("status", "alive") }
    }

    /// `GET /startupz`: the log has been read. How much of it is committed only a leader can tell, and without one a restart would
    /// not help: that is `/readyz`'s business.
    func started(_ call: Call) async throws(Problem) -> Answer {
        guard cluster.status != nil else { throw Problem(.notReady, "the log is being read") }
        return .json { $0.field("status", "started") }
    }

    /// `GET /readyz` and `GET /api/v1/ready`: whether a balancer should send requests here.
    func ready(_ call: Call) async throws(Problem) -> Answer {
        if condition.isLeaving { throw Problem(.notReady, "the node is draining") }
        guard let status = cluster.status else { throw Problem(.notReady, "the node is starting") }
        if let reason = status.unreadyReason { throw Problem(.notReady, reason) }
        return .json { $0.field("status", "ready") }
    }

    /// `GET /api/v1/health`: every component for a person to read. 200 as long as the process can answer.
    func health(_ call: Call) async throws(Problem) -> Answer {
        let components = [clusterHealth] + components()
        let worst: ComponentHealth.Status =
            components.contains { $0.status == .down }
            ? .degraded : components.contains { $0.status == .degraded } ? .degraded : .ok
        return .json { json in
            json.field("status", components[0].status == .down ? "down" : worst.rawValue)
            json.field("node", cluster.status?.name)
            json.field("version", version)
            json.field("time", clock().rfc3339)
            json.field("draining", condition.isLeaving)
            json.name("components")
            json.array(of: components) { $1.write(to: &$0) }
        }
    }

    private var clusterHealth: ComponentHealth {
        guard let status = cluster.status else {
            return ComponentHealth(name: "cluster", status: .down, detail: "the log is being read")
        }
        let state = cluster.state
        let figures: [(name: String, value: Double)] = [
            ("term", Double(status.standing.term.rawValue)),
            ("commit_index", Double(status.server.commitIndex.rawValue)),
            ("applied_index", Double(state.index.rawValue)), ("tasks_waiting", Double(state.counts.queued)),
            ("free_slots", Double(state.freeSlots)), ("outbox_tasks", Double(state.outboxCount)),
        ]
        if let halted = status.server.halted {
            return ComponentHealth(name: "cluster", status: .down, detail: halted.reason, figures: figures)
        }
        guard let leader = status.standing.leader else {
            return ComponentHealth(name: "cluster", status: .down, detail: "there is no leader", figures: figures)
        }
        return ComponentHealth(
            name: "cluster", status: status.unreadyReason == nil ? .ok : .degraded,
            detail: status.unreadyReason ?? "the leader is \(cluster.name(of: leader))", figures: figures)
    }
}

extension ComponentHealth {
    fileprivate func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("name", name)
            json.field("status", status.rawValue)
            json.field("detail", detail)
            for figure in figures {
                json.name(figure.name)
                json.number(figure.value)
            }
        }
    }
}
