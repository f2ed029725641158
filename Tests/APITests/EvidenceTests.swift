import ClusterState
import LoopbackClient
import Logging
import Postgres
import Raft
import Storage
import SwiftProtobuf
import TestSupport
import Testing

@testable import API

/// The real state machine, a real PostgreSQL, and requests over HTTP.
@Suite("Tasks that have left the live state")
struct EvidenceTests {
    /// A node that keeps nothing that PostgreSQL has, and no tombstone but the last.
    private struct Setting {
        let node: TestNode
        let pool: PostgresPool
        var cluster: TestCluster { node.cluster }

        /// Writes all that waits, as the projector does; what has ended is gone then.
        func project() async throws {
            let identity = try #require(ClusterIdentity(cluster.state))
            let projection = TaskProjection(pool: pool, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            let watermark = try await projection.watermark(of: identity)
            let items = cluster.state.outbox(limit: 400, byteLimit: .max)
            let batch = try await projection.write(items, of: cluster.state, after: watermark)
            #expect(cluster.apply(.persisted(batch.persisted), inSession: true) == .done(count: UInt64(items.count)))
        }

        func run(_ id: String) {
            cluster.submit(id)
            end(id)
        }

        func end(_ id: String) {
            cluster.start(id)
            cluster.complete(id)
        }

        func isLive(_ id: String) -> Bool {
            TaskKey(tenant: "default", id: id).flatMap { cluster.state.task($0) } != nil
        }

        func hasTombstone(_ id: String) -> Bool {
            TaskKey(tenant: "default", id: id).flatMap { cluster.state.tombstone($0) } != nil
        }
    }

    private static func with(_ body: (Setting) async throws -> Void) async throws {
        let server = try await PostgresServer.shared()
        let name = "api_\(UInt32.random(in: .min ... .max))"
        func pool(_ database: String?) throws -> PostgresPool {
            let text = database.map { server.connectionString(database: $0) } ?? server.connectionString()
            return PostgresPool(
                configuration: try PostgresConfiguration(connectionString: text), connections: 2,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        let administration = try pool(nil)
        _ = try await administration.query("CREATE DATABASE \(name)", timeout: .seconds(60))
        await administration.close()
        let database = try pool(name)
        var settings = Settings()
        settings.retainedLimitBytes = 1
        settings.tombstoneLimit = 1
        let cluster = TestCluster(settings: settings)
        cluster.raiseVersion()
        let result: Result<Void, any Error>
        do {
            try await StorageSchema.migrate(database)
            var limits = StorageLimits()
            limits.readDeadline = .seconds(60)
            try await TestNode.run(
                cluster: cluster, store: TaskQueries(pool: database, limits: limits),
                configure: { $0.limits.evidencePauseMilliseconds = 1 }
            ) { node in
                try await body(Setting(node: node, pool: database))
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await database.close()
        try result.get()
    }

    @Test("a finished task runs again, as the same task, whether its tombstone is there or not")
    func execute() async throws {
        try await Self.with { setting in
            for id in ["task_1", "task_2"] { setting.run(id) }
            try await setting.project()
            #expect(!setting.isLive("task_1") && !setting.isLive("task_2"))
            #expect(!setting.hasTombstone("task_1") && setting.hasTombstone("task_2"))
            for id in ["task_1", "task_2"] {
                let before = try await setting.node.get("/api/v1/tasks/\(id)")
                let reply = try await setting.node.request("POST", "/api/v1/tasks/\(id)/execute")
                #expect(reply.status == 202 && reply.json["status"]?.stringValue == "assigned", "\(reply.text)")
                #expect(reply.json["created_at"]?.stringValue == before.json["created_at"]?.stringValue)
                #expect(reply.json["execution_metadata"]?["attempt"]?.integer == 2)
                setting.end(id)
            }
            try await setting.project()
            for id in ["task_1", "task_2"] {
                #expect(!setting.isLive(id))
                let after = try await setting.node.get("/api/v1/tasks/\(id)")
                #expect(after.json["status"]?.stringValue == "completed")
                #expect(after.json["execution_metadata"]?["attempt"]?.integer == 2)
            }
            let rows = try await setting.pool.query("SELECT count(*) FROM task_executions")
            #expect(try rows[0].decode(at: 0, as: Int64.self) == 4, "the first runs are remembered")
        }
    }

    @Test("the same request under its key runs the task again once")
    func idempotent() async throws {
        try await Self.with { setting in
            for id in ["task_1", "task_2"] { setting.run(id) }
            try await setting.project()
            for isReplayed in [false, true] {
                let reply = try await setting.node.request(
                    "POST", "/api/v1/tasks/task_1/execute", ["Idempotency-Key": "once"])
                #expect(reply.status == 202 && (reply.headers["idempotency-replayed"] == "true") == isReplayed)
                #expect(reply.json["execution_metadata"]?["attempt"]?.integer == 2)
            }
        }
    }

    @Test("a new task can need one that is finished and gone; one that never was is named")
    func dependency() async throws {
        try await Self.with { setting in
            for id in ["task_1", "task_2"] { setting.run(id) }
            try await setting.project()
            func submit(_ ids: String) async throws -> HTTPReply {
                try await setting.node.post(
                    "/api/v1/tasks", #"{"title":"t","task_type":"code_analysis","target":".","depends_on":[\#(ids)]}"#)
            }
            let good = try await submit(#""task_1","task_2""#)
            #expect(good.status == 201 && good.json["status"]?.stringValue == "assigned", "\(good.text)")
            let bad = try await submit(#""task_1","task_0""#)
            #expect(bad.status == 422 && bad.fields == ["depends_on"] && bad.text.contains("task_0"))
        }
    }

    @Test("cancelling one that is gone says how it ended")
    func cancel() async throws {
        try await Self.with { setting in
            setting.run("task_1")
            setting.cluster.submit("task_2", autoExecute: false)
            #expect(try await setting.node.request("POST", "/api/v1/tasks/task_2/cancel").status == 202)
            setting.run("task_3")
            try await setting.project()
            for id in ["task_1", "task_3"] {
                let ended = try await setting.node.request("POST", "/api/v1/tasks/\(id)/cancel")
                #expect(ended.status == 409 && ended.problem == "wrong_state" && ended.text.contains("completed"))
            }
            #expect(!setting.isLive("task_2"))
            let again = try await setting.node.request("POST", "/api/v1/tasks/task_2/cancel")
            #expect(again.status == 202 && again.json["status"]?.stringValue == "cancelled", "as for a live one")
            #expect(try await setting.node.request("POST", "/api/v1/tasks/task_0/cancel").status == 404)
        }
    }

    @Test("what PostgreSQL says before it has caught up is not believed, and the request says on whom it waits")
    func behind() async throws {
        try await Self.with { setting in
            for id in ["task_1", "task_2"] { setting.run(id) }
            try await setting.project()
            _ = try await setting.pool.query("UPDATE projection SET revision = 1")
            let reply = try await setting.node.request("POST", "/api/v1/tasks/task_1/execute")
            #expect(reply.status == 503 && reply.problem == "store_unavailable" && reply.text.contains("PostgreSQL"))
            #expect(try await setting.node.request("POST", "/api/v1/tasks/task_0/execute").status == 404)
        }
    }
}
