import ClusterState
import Foundation
import Logging
import Postgres
import Raft
import Storage
import SwiftProtobuf
import TestSupport
import Testing

@testable import Orchestration

/// What PostgreSQL gets to see.
@Suite("Projector", .serialized)
struct ProjectorTests {
    /// Rows of `tasks` by id: status and revision.
    private struct Rows: Equatable {
        var tasks: [String: Row] = [:]

        struct Row: Equatable {
            var status: String
            var revision: Int64
        }

        /// What the state says that they must be.
        init(_ keys: [TaskKey], _ state: ClusterState) {
            for key in keys {
                guard let task = state.task(key) else { continue }
                tasks[key.id] = Row(status: task.status.name, revision: Int64(task.revision.rawValue))
            }
        }

        init(_ pool: PostgresPool) async throws {
            for row in try await pool.query("SELECT task_id, status, revision FROM tasks") {
                let id: String = try row.decode("task_id")
                precondition(tasks[id] == nil, "one row a task")
                tasks[id] = Row(status: try row.decode("status"), revision: try row.decode("revision"))
            }
        }
    }

    private func withDatabase(
        nodes count: Int, on server: PostgresServer, options: Nodes.Options = Nodes.Options(),
        prepare: (PostgresPool) async throws -> Void = { _ in },
        _ body: (Nodes, PostgresPool) async throws -> Void
    ) async throws {
        let name = "orchestration_\(UInt32.random(in: .min ... .max))"
        let admin = PostgresPool(
            configuration: try PostgresConfiguration(connectionString: server.connectionString()), connections: 1,
            logger: testLogger("admin"))
        _ = try await admin.query("CREATE DATABASE \(name)")
        await admin.close()
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(connectionString: server.connectionString(database: name)),
            connections: 1, logger: testLogger("reader"))
        var options = options
        options.database = server.connectionString(database: name)
        let result: Result<Void, any Error>
        do {
            try await prepare(pool)
            try await Nodes.run(count, options: options) { try await body($0, pool) }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await pool.close()
        try result.get()
    }

    private func run(_ count: Int, _ nodes: Nodes, at member: Member? = nil) async throws -> [TaskKey] {
        var keys: [TaskKey] = []
        for _ in 0..<count { keys.append(try await nodes.submit([("one", []), ("two", [0])], at: member)) }
        for key in keys { try await nodes.end(of: key, at: member) }
        return keys
    }

    private func holds(_ pool: PostgresPool, _ keys: [TaskKey], _ nodes: Nodes) async throws -> Bool {
        try await Rows(pool) == Rows(keys, nodes.members[0].cluster.state)
    }

    private func isDrained(_ nodes: Nodes) -> Bool {
        nodes.members.allSatisfy { !$0.isRunning || $0.cluster.state.outboxCount == 0 }
    }

    @Test("every task that ends has one row, that of its last revision, and leaves the outbox")
    func everything() async throws {
        try await withDatabase(nodes: 3, on: try await .shared()) { nodes, pool in
            let keys = try await run(20, nodes)
            try await eventually("the outbox is empty") { isDrained(nodes) }
            #expect(try await Rows(pool) == Rows(keys, nodes.members[0].cluster.state))
            let steps: Int = try await pool.query("SELECT count(*) FROM task_executions WHERE status = 'completed'")[0]
                .decode(at: 0)
            #expect(steps == 2 * keys.count)
            let leader = try await nodes.leader()
            try await eventually("it alone writes") {
                leader.projector?.condition == .writing
                    && nodes.others(than: leader).allSatisfy { $0.projector?.condition == .idle }
            }
        }
    }

    @Test("leadership may change hands at any time: nothing is missing, doubled or older than it was")
    func flapping() async throws {
        try await withDatabase(nodes: 3, on: try await .shared()) { nodes, pool in
            var keys: [TaskKey] = []
            for round in 0..<4 {
                for _ in 0..<10 { keys.append(try await nodes.submit([("one", []), ("two", [0])])) }
                try await nodes.makeLeader(nodes.members[(round + 1) % 3])
            }
            for key in keys { #expect(try await nodes.end(of: key).status == .completed) }
            try await eventually("the outbox is empty") { isDrained(nodes) }
            #expect(try await Rows(pool) == Rows(keys, nodes.members[0].cluster.state))
        }
    }

    @Test("while PostgreSQL is down tasks are taken and done; when it is back it has them all")
    func outage() async throws {
        let server = try await PostgresServer.start()
        try await withDatabase(nodes: 1, on: server) { nodes, pool in
            var keys = try await run(3, nodes)
            try await eventually("the outbox is empty") { isDrained(nodes) }
            server.kill()
            keys += try await run(5, nodes)
            try await eventually("the projector has noticed") {
                if case .waiting = nodes.members[0].projector?.condition { true } else { false }
            }
            #expect(nodes.members[0].cluster.state.outboxCount == 5)
            #expect(nodes.members[0].cluster.status?.unreadyReason == nil)
            try await server.restart()
            try await eventually("the outbox is empty") { isDrained(nodes) }
            #expect(nodes.members[0].projector?.condition == .writing)
            try await eventually("everything is there") {
                (try? await holds(pool, keys, nodes)) == true
            }
        }
        await server.stop()
    }

    @Test("what a database has lost is written to it again")
    func lostTail() async throws {
        try await withDatabase(nodes: 1, on: try await .shared()) { nodes, pool in
            var keys = try await run(6, nodes)
            try await eventually("the outbox is empty") { isDrained(nodes) }
            // Not the last one: the watermark stands before that.
            let lost = keys.compactMap { nodes.members[0].cluster.state.task($0)?.revision }.sorted()[2]
            _ = try await pool.query("DELETE FROM tasks WHERE revision >= $1", [.int8(Int64(lost.rawValue))])
            _ = try await pool.query("UPDATE projection SET revision = $1", [.int8(Int64(lost.rawValue) - 1)])
            keys += try await run(1, nodes)
            try await eventually("all is there again") {
                guard isDrained(nodes) else { return false }
                return try await holds(pool, keys, nodes)
            }
        }
    }

    @Test("what a database has lost and the state has let go of is named in the log")
    func gap() async throws {
        var options = Nodes.Options()
        // Nothing is kept that PostgreSQL has.
        options.settings.retainedLimitBytes = 1
        let log = LogLines()
        options.log = log
        try await withDatabase(nodes: 1, on: try await .shared(), options: options) { nodes, pool in
            let cluster = nodes.members[0].cluster
            let keys = try await run(4, nodes)
            try await eventually("all are written, and gone") { keys.allSatisfy { cluster.state.task($0) == nil } }
            // Not the last one: the watermark stands before that.
            let lost = keys.compactMap { cluster.state.tombstone($0)?.revision }.sorted()[2]
            let rows = try await pool.query(
                "DELETE FROM tasks WHERE revision >= $1 RETURNING task_id", [.int8(Int64(lost.rawValue))])
            let ids = try rows.map { try $0.decode("task_id", as: String.self) }.sorted()
            #expect(ids.count == 2)
            _ = try await pool.query("UPDATE projection SET revision = $1", [.int8(Int64(lost.rawValue) - 1)])
            _ = try await nodes.submit([("one", [])])
            try await eventually("the alarm") { log.all.contains { $0.hasPrefix("error PostgreSQL has lost tasks") } }
            let alarm = try #require(log.all.first { $0.hasPrefix("error PostgreSQL has lost tasks") })
            for id in ids { #expect(alarm.contains("default/\(id)"), "\(alarm)") }
            #expect(alarm.contains("known=\(ids.count) named=\(ids.count)") && alarm.contains("are_all_known=true"))
        }
    }

    @Test("a database of others is not touched, and the cluster works on without it", arguments: [true, false])
    func refused(_ isForeign: Bool) async throws {
        var theirs: PostgresRows?
        try await withDatabase(
            nodes: 1, on: try await .shared(),
            prepare: { pool in
                try await StorageSchema.migrate(pool)
                _ = try await pool.query(
                    "INSERT INTO projection (cluster_id, generation) VALUES ($1, $2::integer)",
                    [.text(isForeign ? "others" : "test"), .int8(isForeign ? 1 : 2)])
                theirs = try await pool.query("SELECT * FROM projection")
            }
        ) { nodes, pool in
            let keys = try await run(3, nodes)
            try await eventually("it is refused") {
                guard case .refused(let reason) = nodes.members[0].projector?.condition else { return false }
                return reason.contains(isForeign ? "others" : "2")
            }
            #expect(keys.count == 3)
            #expect(nodes.members[0].cluster.status?.unreadyReason == nil)
            #expect(try await pool.query("SELECT 1 FROM tasks").isEmpty)
            #expect(try await pool.query("SELECT revision FROM projection")[0].decode(at: 0, as: Int64.self) == 0)
        }
        #expect(theirs?.count == 1)
    }

    @Test("a full outbox refuses new tasks and nothing else, and takes them again when PostgreSQL is back")
    func budget() async throws {
        let server = try await PostgresServer.start()
        var options = Nodes.Options()
        options.settings.admissionLimitTasks = 5
        try await withDatabase(nodes: 1, on: server, options: options) { nodes, pool in
            server.kill()
            nodes.script.hold("one")
            var keys: [TaskKey] = []
            for _ in 0..<5 { keys.append(try await nodes.submit([("one", [])])) }
            do {
                _ = try await nodes.submit([("one", [])])
                Issue.record("taken beyond the budget")
            } catch let refused as Nodes.Refused {
                guard case .rejected(.overloaded(let seconds)) = refused.outcome else {
                    Issue.record("\(refused.outcome)")
                    return
                }
                #expect(seconds > 0)
            }
            nodes.script.release("one")
            for key in keys { #expect(try await nodes.end(of: key).status == .completed) }
            try await server.restart()
            try await eventually("the outbox is empty") { isDrained(nodes) }
            keys.append(try await nodes.submit([("one", [])]))
            try await nodes.end(of: keys[5])
            try await eventually("everything is there") {
                guard isDrained(nodes) else { return false }
                return (try? await holds(pool, keys, nodes)) == true
            }
        }
        await server.stop()
    }
}
