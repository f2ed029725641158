import Agents
import HTTPTypes

extension Handlers {
    /// Every route there is: the router, the OpenAPI document and the tests read these lines.
    func routes() -> [Route] { probes + tasks + system + members + events }

    private var probes: [Route] {
        let notReady = Route.Response(503, "It is not.", schema: "Problem")
        return [
            Route(
                method: .get, path: "/livez", access: .open, isProbe: true, operation: "livez",
                summary: "Whether the process can answer.", responses: [.init(200, "It can.", schema: "Status")],
                handler: live),
            Route(
                method: .get, path: "/startupz", access: .open, isProbe: true, operation: "startupz",
                summary: "Whether the log has been replayed.",
                responses: [.init(200, "It has.", schema: "Status"), notReady], handler: started),
            Route(
                method: .get, path: "/readyz", access: .open, isProbe: true, operation: "readyz",
                summary: "Whether a balancer should send requests here.",
                responses: [.init(200, "It should.", schema: "Status"), notReady], handler: ready),
            Route(
                method: .get, path: "/api/v1/ready", access: .open, isProbe: true, operation: "ready",
                summary: "Whether a balancer should send requests here.",
                responses: [.init(200, "It should.", schema: "Status"), notReady], handler: ready),
            Route(
                method: .get, path: "/api/v1/health", access: .open, isProbe: true, operation: "health",
                summary: "Every component's state, for a person to read.",
                responses: [.init(200, "The state.", schema: "Health")], handler: health),
            Route(
                method: .get, path: "/", access: .open, operation: "front_page",
                summary: "A small page for a person with a browser.", responses: [.init(200, "The page.")],
                handler: frontPage),
        ]
    }

    private var tasks: [Route] {
        let task = { (status: Int, text: String) in Route.Response(status, text, schema: "Task") }
        return [
            Route(
                method: .post, path: "/api/v1/tasks", access: .needs(.createTasks), operation: "create_task",
                summary: "Accepts a task once a quorum has it on disk.", headers: ["Idempotency-Key", "Prefer"],
                body: .json(schema: "NewTask", isOptional: false), responses: [task(201, "Accepted.")],
                handler: submitTask),
            Route(
                method: .get, path: "/api/v1/tasks", access: .needs(.readTasks), operation: "list_tasks",
                summary: "Tasks, newest first.", query: Self.listParameters, headers: ["X-Amas-Index"],
                responses: [.init(200, "A page.", schema: "TaskList")], handler: listTasks),
            Route(
                method: .get, path: "/api/v1/tasks/{task_id}", access: .needs(.readTasks), operation: "read_task",
                summary: "A task with its full result.", query: [.consistency],
                headers: ["X-Amas-Index", "Prefer", "If-None-Match"],
                responses: [task(200, "The task."), .init(304, "The client has this version.")], handler: readTask),
            Route(
                method: .get, path: "/api/v1/tasks/{task_id}/progress", access: .needs(.readTasks),
                operation: "read_progress", summary: "How far a task has come.", query: [.consistency],
                headers: ["X-Amas-Index"], responses: [.init(200, "The progress.", schema: "Progress")],
                handler: readProgress),
            Route(
                method: .post, path: "/api/v1/tasks/{task_id}/execute", access: .needs(.executeTasks),
                operation: "execute_task",
                summary: "Runs a held task, or a finished one again, also one that only PostgreSQL has.",
                headers: ["Idempotency-Key"], body: .json(schema: "Nothing", isOptional: true),
                responses: [
                    task(202, "It will run."),
                    .init(409, "It runs, or not all that it needs was kept.", schema: "Problem"),
                    .init(503, "PostgreSQL has the task and cannot be asked.", schema: "Problem"),
                ], handler: executeTask),
            Route(
                method: .post, path: "/api/v1/tasks/{task_id}/cancel", access: .needs(.cancelTasks),
                operation: "cancel_task", summary: "Cancels a task; a result that commits first wins.",
                headers: ["Idempotency-Key"], body: .json(schema: "Cancellation", isOptional: true),
                responses: [
                    task(202, "It is being cancelled, or was cancelled."),
                    .init(409, "It has ended otherwise.", schema: "Problem"),
                    .init(503, "PostgreSQL may have the task and cannot be asked.", schema: "Problem"),
                ], handler: cancelTask),
        ]
    }

    private var system: [Route] {
        let metrics = { (path: String, operation: String) in
            Route(
                method: .get, path: path, access: .needs(.monitorSystem), isProbe: true, operation: operation,
                summary: "Prometheus text or OpenMetrics, by the Accept header.",
                responses: [.init(200, "The figures.")],
                handler: readMetrics)
        }
        return [
            metrics("/metrics", "metrics"), metrics("/api/v1/system/metrics", "system_metrics"),
            Route(
                method: .get, path: "/api/v1/cluster", access: .needs(.readCluster), isProbe: true,
                operation: "read_cluster",
                summary: "Members, leader, indices and failure tolerance, as this node sees them.",
                responses: [.init(200, "The cluster.", schema: "Cluster")], handler: readCluster),
            Route(
                method: .get, path: "/problems/{code}", access: .needs(.readContract), operation: "read_problem",
                summary: "What a problem's type means.", responses: [.init(200, "The problem.", schema: "ProblemKind")],
                handler: readProblem),
        ]
    }

    private var members: [Route] {
        let route = {
            (path: String, operation: String, summary: String, schema: String, handler: @escaping Route.Handler) in
            Route(
                method: .post, path: "/api/v1/cluster/\(path)", access: .needs(.changeCluster), operation: operation,
                summary: summary, headers: ["Prefer"],
                body: .json(schema: schema, isOptional: schema != "NewMember"),
                responses: [
                    .init(200, "It is done.", schema: "MemberChange"),
                    .init(202, "It is under way: GET /api/v1/cluster tells how far.", schema: "MemberChange"),
                    .init(409, "It cannot be done, and why.", schema: "Problem"),
                ], handler: handler)
        }
        let member = "members/{member_id}"
        var removal = route(member, "remove_member", "A member leaves the cluster.", "Nothing", removeMember)
        removal.method = .delete
        removal.body = .none
        return [
            route(
                "members", "add_member", "A node joins; a voter votes once it has caught up.", "NewMember", addMember),
            removal,
            route(
                "\(member)/promote", "promote_member", "Waits until a joining member votes.", "Nothing", promoteMember),
            route(
                "\(member)/replace", "replace_member",
                "Another node takes the member's vote, or the member comes back with a new data folder.",
                "Replacement", replaceMember),
            route(
                "\(member)/drain", "drain_member", "A member gets no new tasks, or gets them again.", "Drain",
                drainMember),
            route(
                "transfer-leadership", "transfer_leadership", "Another voter leads.", "LeadershipTransfer",
                transferLeadership),
        ]
    }

    private var events: [Route] {
        SocketGate.paths.map { path in
            Route(
                method: .get, path: path, access: .needs(.readTasks), operation: path == "/ws" ? "socket" : "socket_v1",
                summary: "Events over a WebSocket: subscribe, resume by offset on any node.",
                responses: [
                    .init(101, "The socket is open."), .init(426, "Not a WebSocket client.", schema: "Problem"),
                ],
                handler: explainSocket)
        }
    }
}
