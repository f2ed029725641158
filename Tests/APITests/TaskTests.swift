import ClusterState
import LoopbackClient
import Storage
import Telemetry
import Testing

@testable import API

@Suite("Tasks")
struct TaskTests {
    @Test("a task is accepted, shown as the contract lists it, run, and shown with its result")
    func life() async throws {
        try await TestNode.run { node async throws in
            let created = try await node.post(
                "/api/v1/tasks",
                #"{"title":"look","description":"closely","task_type":"code_analysis","target":".","#
                    + #""parameters":{"max_complexity": 10},"priority":2}"#
            )
            #expect(created.status == 201)
            let id = try #require(created.json["task_id"]?.stringValue)
            #expect(created.headers["location"] == "/api/v1/tasks/\(id)")
            #expect(created.headers["x-amas-index"] == "1.\(node.cluster.state.index)")
            #expect(created.json["status"]?.stringValue == "assigned")
            node.cluster.start(id)
            node.cluster.complete(id)
            let task = try await node.get("/api/v1/tasks/\(id)")
            guard case .object(let members) = task.json.value else { return }
            #expect(
                members.map(\.name) == [
                    "task_id", "title", "description", "task_type", "target", "parameters", "priority", "status",
                    "strategy",
                    "prediction", "assigned_agents", "agent_results", "result", "output", "summary", "quality_score",
                    "success_rate", "duration_seconds", "execution_metadata", "error_details", "created_at",
                    "updated_at",
                    "started_at", "completed_at", "created_by", "revision",
                ])
            #expect(task.json["output"]?.stringValue == "a report")
            #expect(task.json["prediction"]?.isNull == true && task.json["error_details"]?.isNull == true)
            #expect(task.json["agent_results"]?["code_analysis"]?["output"]?.stringValue == "a report")
            #expect(task.json["parameters"]?["max_complexity"]?.integer == 10)
            #expect(task.text.contains(#""quality_score":0.75,"#) && task.text.contains(#""duration_seconds":1.25,"#))
            #expect(task.json["execution_metadata"]?["node"]?.stringValue == "n1")
            #expect(task.json["execution_metadata"]?["providers"]?.array?.first?.stringValue == "builtin")
            #expect(task.json["created_by"]?.stringValue == "operator")
            #expect(task.json["created_at"]?.stringValue == "2023-11-14T22:13:20.003Z")
        }
    }

    @Test("of very many wrong fields the first are named")
    func manyInvalidFields() async throws {
        try await TestNode.run { node async throws in
            let wrong = (0..<60_000).map { "\"a\($0)\":1" }.joined(separator: ",")
            let limit = APILimits().problems
            for body in [
                #"{"title":"t","task_type":"code_analysis","target":".",\#(wrong)}"#,
                #"{"title":"t","task_type":"code_analysis","target":".","plan":{"steps":[{\#(wrong)}]}}"#,
            ] {
                let reply = try await node.post("/api/v1/tasks", body)
                #expect(reply.status == 422 && reply.fields.count == limit && reply.text.contains("more than \(limit)"))
            }
            let few = (0..<20_000).map { "\"a\($0)\":1" }.joined(separator: ",")
            let parameters = try await node.post(
                "/api/v1/tasks", #"{"title":"t","task_type":"code_analysis","target":".","parameters":{\#(few)}}"#)
            #expect(parameters.status == 422 && (1...limit).contains(parameters.fields.count))
        }
    }

    @Test("every wrong field is named, all at once, and nothing is accepted")
    func invalidFields() async throws {
        try await TestNode.run { node async throws in
            let reply = try await node.post(
                "/api/v1/tasks",
                """
                {"title":"","description":5,"task_type":"dance","target":"../outside","parameters":[],"priority":11,
                "agents":["nobody"],"strategy":"wild","depends_on":["a b"],"auto_execute":"yes","deadline_seconds":0,
                "max_attempts":1.5,"budget_usd":-1,"colour":"red"}
                """)
            #expect(reply.status == 422 && reply.problem == "invalid")
            #expect(
                Set(reply.fields) == [
                    "title", "description", "task_type", "parameters", "priority", "agents[0]", "strategy",
                    "depends_on",
                    "auto_execute", "deadline_seconds", "max_attempts", "budget_usd", "colour",
                ])
            #expect(try await node.post("/api/v1/tasks", "{}").fields == ["title", "task_type"])
            let outside = try await node.post(
                "/api/v1/tasks", #"{"title":"t","task_type":"code_analysis","target":"../.."}"#)
            #expect(outside.status == 422 && outside.fields == ["target"])
            let unknown = try await node.post(
                "/api/v1/tasks", #"{"title":"t","task_type":"code_analysis","target":".","parameters":{"speed":1}}"#)
            #expect(unknown.fields == ["parameters.speed"])
            let long = String(repeating: "é", count: 501)
            #expect(
                try await node.post("/api/v1/tasks", #"{"title":"\#(long)","task_type":"code_analysis","target":"."}"#)
                    .fields == ["title"])
            #expect(
                try await node.post(
                    "/api/v1/tasks", #"{"title":"\#(long.dropLast())","task_type":"code_analysis","target":"."}"#
                ).status == 201)
            #expect(node.cluster.state.counts.total == 1)
        }
    }

    @Test("a plan is put in order; cycles, unknown steps and agents are named")
    func plans() async throws {
        try await TestNode.run { node async throws in
            func post(_ steps: String, beside: String = "") async throws -> HTTPReply {
                try await node.post(
                    "/api/v1/tasks",
                    #"{"title":"t","task_type":"code_analysis","target":".","plan":{"steps":[\#(steps)]}\#(beside)}"#)
            }
            let good = try await post(
                #"{"id":"b","agent":"code_analysis","needs":["a"]},{"id":"a","agent":"code_analysis"},"#
                    + #"{"id":"c","agent":"code_analysis","needs":["b","a"]}"#
            )
            #expect(good.status == 201 && good.json["strategy"]?.stringValue == "plan")
            let key = try #require(TaskKey(tenant: "default", id: good.json["task_id"]?.stringValue ?? ""))
            let steps = node.cluster.state.steps(of: key).map(\.plan)
            #expect(steps.map(\.id) == ["a", "b", "c"] && steps.map(\.needs) == [[], [0], [0, 1]])
            let cycle = try await post(
                #"{"id":"a","agent":"code_analysis","needs":["b"]},{"id":"b","agent":"code_analysis","needs":["a"]}"#)
            #expect(cycle.status == 422 && cycle.fields == ["plan.steps"] && cycle.text.contains("cycle"))
            #expect(
                try await post(#"{"id":"a","agent":"code_analysis","needs":["z"]}"#).fields == ["plan.steps[0].needs"])
            #expect(try await post(#"{"id":"a","agent":"nobody"}"#).fields == ["plan.steps[0].agent"])
            #expect(
                try await post(#"{"id":"a","agent":"code_analysis","requires_approval":true}"#).fields == [
                    "plan.steps[0].requires_approval"
                ])
            #expect(try await post("").fields == ["plan.steps"])
            let beside = #","strategy":"parallel","agents":["code_analysis"]"#
            let twofold = try await post(#"{"id":"a","agent":"code_analysis"}"#, beside: beside)
            #expect(twofold.fields == ["agents", "strategy"])
            let twice = #"{"id":"a","agent":"code_analysis"},{"id":"a","agent":"code_analysis"}"#
            #expect(try await post(twice).fields == ["plan.steps[1].id"])
        }
    }

    @Test("an unknown dependency is a wrong field, a known one is waited for")
    func dependencies() async throws {
        try await TestNode.run { node async throws in
            let body = #"{"title":"t","task_type":"code_analysis","target":".","depends_on":["task_1"]}"#
            #expect(try await node.post("/api/v1/tasks", body).fields == ["depends_on"])
            node.cluster.submit("task_1")
            #expect(try await node.post("/api/v1/tasks", body).json["status"]?.stringValue == "pending")
        }
    }

    @Test("a held task is executed, a finished one again, a running one not")
    func execute() async throws {
        try await TestNode.run { node async throws in
            node.cluster.submit("task_1", autoExecute: false)
            #expect(try await node.get("/api/v1/tasks/task_1").json["status"]?.stringValue == "pending")
            let first = try await node.post("/api/v1/tasks/task_1/execute", "{}")
            #expect(first.status == 202 && first.json["status"]?.stringValue == "assigned")
            let busy = try await node.request("POST", "/api/v1/tasks/task_1/execute")
            #expect(busy.status == 409 && busy.problem == "wrong_state")
            node.cluster.start("task_1")
            node.cluster.complete("task_1")
            let again = try await node.request("POST", "/api/v1/tasks/task_1/execute")
            #expect(again.status == 202 && again.json["execution_metadata"]?["attempt"]?.integer == 2)
            #expect(try await node.post("/api/v1/tasks/task_1/execute", #"{"x":1}"#).fields == ["x"])
            #expect(try await node.request("POST", "/api/v1/tasks/task_0/execute").status == 404)
        }
    }

    @Test("a task is cancelled with a reason; what has ended is not")
    func cancel() async throws {
        try await TestNode.run { node async throws in
            node.cluster.submit("task_1", autoExecute: false)
            let reply = try await node.post("/api/v1/tasks/task_1/cancel", #"{"reason":"a mistake"}"#)
            #expect(reply.status == 202 && reply.json["status"]?.stringValue == "cancelled")
            #expect(reply.json["error_details"]?["message"]?.stringValue == "a mistake")
            node.cluster.submit("task_2")
            node.cluster.start("task_2")
            #expect(
                try await node.request("POST", "/api/v1/tasks/task_2/cancel").json["status"]?.stringValue
                    == "cancelling")
            node.cluster.complete("task_2")
            #expect(try await node.request("POST", "/api/v1/tasks/task_2/cancel").status == 409)
            #expect(try await node.post("/api/v1/tasks/task_2/cancel", #"{"reason":7}"#).fields == ["reason"])
        }
    }

    @Test("progress shows steps, the executor's last tick, and 100 only at the end")
    func progress() async throws {
        try await TestNode.run { node async throws in
            node.cluster.submit("task_1")
            #expect(try await node.get("/api/v1/tasks/task_1/progress").json["progress"]?.integer == 0)
            node.cluster.start("task_1")
            node.cluster.tick(#"{"task_id":"task_1","percent":140,"step":"functions"}"#)
            let running = try await node.get("/api/v1/tasks/task_1/progress")
            #expect(running.json["progress"]?.integer == 99 && running.json["current_step"]?.stringValue == "functions")
            #expect(running.json["steps"]?.array?.first?["status"]?.stringValue == "running")
            #expect(running.json["node"]?.stringValue == "n1" && running.json["attempt"]?.integer == 1)
            node.cluster.complete("task_1")
            let done = try await node.get("/api/v1/tasks/task_1/progress")
            #expect(done.json["progress"]?.integer == 100 && done.json["estimated_remaining_seconds"]?.integer == 0)
            #expect(try await node.get("/api/v1/tasks/task_0/progress").status == 404)
        }
    }

    @Test("lists are filtered by every filter of the contract")
    func filters() async throws {
        try await TestNode.run { node async throws in
            node.cluster.submit("task_1", title: "Red house", priority: 1)
            node.cluster.submit("task_2", title: "Blue house", priority: 2)
            node.cluster.submit("task_3", title: "Red car", autoExecute: false)
            func ids(_ query: String) async throws -> [String] {
                try await node.get("/api/v1/tasks?\(query)").json["tasks"]?.array?.compactMap {
                    $0["task_id"]?.stringValue
                } ?? []
            }
            #expect(try await ids("status=pending") == ["task_3"])
            #expect(try await ids("status=assigned&priority=2") == ["task_2"])
            #expect(try await ids("q=red") == ["task_3", "task_1"])
            #expect(try await ids("q=house+RED") == ["task_1"])
            #expect(try await node.get("/api/v1/tasks?q=%00").fields == ["q"])
            #expect(try await node.get("/api/v1/tasks?q=%3F%21&cursor=-1.a").fields == ["q", "cursor"])
            #expect(try await node.post("/api/v1/tasks?dry_run=true", "{}").fields == ["dry_run"])
            #expect(try await ids("agent=code_analysis&task_type=code_analysis&created_by=operator").count == 3)
            #expect(try await ids("agent=other").isEmpty)
            #expect(
                try await ids("created_after=2023-11-14T22:13:20.004Z&created_before=2023-11-14T23:13:20.005%2B01:00")
                    == ["task_2"])
            #expect(try await node.get("/api/v1/tasks?status=lost&priority=0&created_after=now").fields.count == 3)
        }
    }

    // MARK: PostgreSQL

    /// PostgreSQL as far as these tests need it: one answer to everything.
    final class FixedStore: TaskStore {
        private let answer: Result<StoredTask?, StorageError>

        init(_ answer: Result<StoredTask?, StorageError>) {
            self.answer = answer
        }

        func task(_ key: TaskKey, of cluster: ClusterIdentity) async throws(StorageError) -> StoredTask? {
            try answer.get()
        }

        /// As rows are that an earlier release has written.
        func evidence(
            on ids: [String], tenant: String, archiveOf id: String?, of cluster: ClusterIdentity
        ) async throws(StorageError) -> [StoredEvidence] {
            guard let task = try answer.get() else { return [] }
            var evidence = TaskEvidence()
            evidence.taskID = task.key.id
            evidence.status = task.status
            evidence.revision = 1
            evidence.readThrough = 1
            return [StoredEvidence(evidence)]
        }

        func list(_ query: TaskListQuery, over live: ClusterState) async throws(StorageError) -> TaskList {
            _ = try answer.get()
            throw .tooFarBehind(tasks: 7)
        }
    }

    /// A finished task that the node of the test has never heard of.
    static func elsewhere(_ id: String) throws -> StoredTask {
        let other = TestCluster()
        other.submit(id, title: "old")
        other.start(id)
        other.complete(id)
        let view = try #require(TaskKey(tenant: "default", id: id).flatMap { other.state.task($0) })
        return StoredTask(view, in: other.state)
    }

    @Test(
        "a task that has left the live state is read from the store, and not run again if it was not kept whole",
        arguments: [false, true])
    func stored(raisesVersion: Bool) async throws {
        try await TestNode.run(store: FixedStore(.success(try Self.elsewhere("task_old")))) { node async throws in
            if raisesVersion { node.cluster.raiseVersion() }
            let reply = try await node.get("/api/v1/tasks/task_old")
            #expect(reply.status == 200 && reply.headers["etag"] != nil && reply.json["title"]?.stringValue == "old")
            let again = try await node.request("POST", "/api/v1/tasks/task_old/execute")
            #expect(again.status == 409 && again.problem == "archived")
            #expect(again.text.contains("upgraded") != raisesVersion)
        }
    }

    @Test("with PostgreSQL down a list is partial, a live task is read, and any other is 503, never 404")
    func storeDown() async throws {
        try await TestNode.run(store: FixedStore(.failure(.unavailable(reason: "down")))) { node async throws in
            node.cluster.submit("task_1")
            let list = try await node.get("/api/v1/tasks")
            #expect(list.status == 200 && list.json["partial"]?.bool == true && list.json["total"]?.integer == 1)
            #expect(try await node.get("/api/v1/tasks/task_1").status == 200)
            for raisesVersion in [false, true] {
                if raisesVersion { node.cluster.raiseVersion() }
                for (method, path) in [
                    ("GET", "task_0"), ("POST", "task_0/cancel"), ("POST", "task_0/execute"),
                    ("GET", "task_0?consistency=stale"),
                ] {
                    let reply = try await node.request(method, "/api/v1/tasks/\(path)")
                    #expect(reply.status == 503 && reply.problem == "store_unavailable")
                    #expect(reply.headers["retry-after"] != nil && reply.text.contains("PostgreSQL"))
                }
                let body = #"{"title":"t","task_type":"code_analysis","target":".","depends_on":["task_0"]}"#
                let dependent = try await node.post("/api/v1/tasks", body)
                #expect(dependent.status == 503 && dependent.problem == "store_unavailable")
            }
        }
    }

    // MARK: Small parts

    @Test("RFC 3339 times are read, written times are read back, and what is none is refused")
    func times() {
        func microseconds(_ text: String) -> Int64? { WallTime(rfc3339: text)?.microsecondsSince1970 }
        #expect(microseconds("1970-01-01T00:00:00Z") == 0)
        #expect(microseconds("2024-02-29T12:00:00.5+01:00") == 1_709_204_400_500_000)
        #expect(microseconds("1969-12-31t23:59:59.999999z") == -1)
        for bad in [
            "", "2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-01-01", "2023-01-01T24:00:00Z",
            "2023-01-01T00:00:00", "2023-01-01T00:00:00.Z", "2023-01-01T00:00:00Zx",
        ] {
            #expect(microseconds(bad) == nil, "\(bad)")
        }
        var random = SplitMix(seed: 11)
        for _ in 0..<1000 {
            let time = WallTime(microsecondsSince1970: Int64(random.next() % 250_000_000_000_000) * 1000)
            #expect(WallTime(rfc3339: time.rfc3339) == time)
        }
    }

    @Test("new ids sort by time, never repeat, and are ids")
    func ids() {
        var random = SplitMix(seed: 3)
        let ids = (0..<1000).map { TaskID.make(at: WallTime(microsecondsSince1970: $0 * 1000), using: &random) }
        #expect(ids == ids.sorted() && Set(ids).count == 1000)
        #expect(ids.allSatisfy { TaskKey(tenant: "t", id: $0) != nil && $0.utf8.count == 31 })
    }
}
