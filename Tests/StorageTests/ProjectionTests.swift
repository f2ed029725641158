import ClusterState
import Postgres
import Raft
import SwiftProtobuf
import TestSupport
import Testing

@testable import Storage

@Suite("The projection of tasks")
struct ProjectionTests {
    /// One task of each kind that there is.
    private func variety() throws -> LoggedState {
        var log = try LoggedState()
        try log.submit("pending") { $0.autoExecute = false }
        try log.submit("assigned")
        try log.submit("executing", steps: 3)
        try log.start("executing")
        try log.complete("executing", step: 0)
        try log.submit("completed") {
            $0.title = "Prüfe „Größe“ 日本語"
            $0.description_p = "line\nbreak, 'quotes' and \"more\""
            $0.target = "Sources"
            $0.parameters = Payload(bytes: Array(#"{"b":1,"a":[1e999,"\u0000","ü"], "b":2}"#.utf8))
            $0.strategyCode = .plan
            $0.priority = 1
            $0.dependsOn = ["executing"]
        }
        try log.submit("done", steps: 2)
        try log.run("done", result: #"{"output":"a report","findings":[]}"#)
        try log.submit("failed")
        try log.start("failed")
        try log.complete("failed", outcome: .failed, result: "") { $0.failure = Failure(.budget, message: "spent") }
        try log.fail("failed")
        try log.submit("cancelling")
        try log.cancel("cancelling")
        try log.submit("cancelled") { $0.autoExecute = false }
        try log.cancel("cancelled")
        try log.submit("again")
        try log.run("again")
        try log.request(.executeTask(.with { $0.taskID = "again" }))
        try log.start("again")
        try log.submit("other", tenant: "other")
        return log
    }

    @Test("a task reads from PostgreSQL as it is in the state, byte for byte")
    func roundTrip() async throws {
        let log = try variety()
        try await Database.with { database in
            try await database.project(log)
            let cluster = try #require(ClusterIdentity(log.state))
            #expect(log.outbox.count == 10)
            for item in log.outbox {
                let expected = StoredTask(try #require(log.state.task(item.key)), in: log.state)
                #expect(try await database.queries.task(item.key, of: cluster) == expected)
            }
            #expect(try await database.queries.task(key("absent"), of: cluster) == nil)
            #expect(try await database.queries.task(key("other"), of: cluster) == nil)
        }
    }

    @Test("decimals, report and metadata are there for people with SQL")
    func derivedColumns() async throws {
        let log = try variety()
        try await Database.with { database in
            try await database.project(log)
            let rows = try await database.pool.query(
                """
                SELECT quality_score::text, success_rate::text, duration_seconds::text, output,
                    execution_metadata ->> 'node' AS node, execution_metadata ->> 'cost_usd' AS cost,
                    plan::text AS plan
                FROM tasks WHERE task_id = 'done'
                """)
            #expect(try rows[0].decode("quality_score") == "0.912345")
            #expect(try rows[0].decode("success_rate") == "1.000000")
            #expect(try rows[0].decode("duration_seconds") == "2.345")
            #expect(try rows[0].decode("output") == "a report")
            #expect(try rows[0].decode("node") == "amas-1")
            #expect(try rows[0].decode("cost") == "0.001500")
            let costs = try await database.count("SELECT sum(cost_micro_usd)::int8 FROM task_executions")
            #expect(costs == 6_000)
        }
    }

    @Test("an older revision never overwrites a newer one", arguments: seeds(1...3))
    func revisionGuard(seed: UInt64) async throws {
        var random = Random(seed: seed)
        var log = try LoggedState()
        var states = [log]
        for id in 0..<3 {
            try log.submit("t\(id)", steps: 3)
            states.append(log)
        }
        for _ in 0..<12 {
            let id = "t\(random.below(3))"
            guard let task = try? log.view(id), !task.status.isTerminal else { continue }
            let ready = log.state.readySteps(of: task.key)
            switch random.below(3) {
            case 0: if task.status == .assigned { try log.start(id, steps: ready) }
            case 1:
                if let step = ready.first { try log.complete(id, step: step, result: #"{"n":\#(random.below(99))}"#) }
            default: if random.chance(30) { try log.fail(id) }
            }
            states.append(log)
        }
        try await Database.with { database in
            // Each state several times, in any order; the newest somewhere among them.
            for state in (states + states).shuffled(using: &random) { try await database.project(state) }
            let cluster = try #require(ClusterIdentity(log.state))
            for id in 0..<3 {
                let stored = try await database.queries.task(key("t\(id)"), of: cluster)
                #expect(stored == (try log.stored("t\(id)")), "seed \(seed)")
            }
        }
    }

    @Test("of two projectors that race, one is told that the other is ahead, and nothing is lost")
    func race() async throws {
        var log = try LoggedState()
        for id in 0..<60 { try log.submit("t\(id)") }
        let state = log.state
        let items = log.outbox
        let cluster = try #require(ClusterIdentity(state))
        try await Database.with { database in
            var limits = StorageLimits()
            limits.batchTasks = 3
            let projection = database.projection(limits)
            let conflicts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        var conflicts = 0
                        var rest = items[...]
                        var watermark = try await projection.watermark(of: cluster)
                        while !rest.isEmpty {
                            do throws(StorageError) {
                                let batch = try await projection.write(Array(rest), of: state, after: watermark)
                                watermark = batch.watermark
                                rest = rest.dropFirst(batch.tasks.count)
                            } catch {
                                guard case .ahead(let found) = error else { throw error }
                                #expect(found > watermark)
                                conflicts += 1
                                watermark = try await projection.watermark(of: cluster)
                            }
                        }
                        return conflicts
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(try await database.count("SELECT count(*) FROM tasks") == 60)
            // Alone, 20 writes would do without any conflict; how many there are is up to the threads.
            #expect(conflicts <= 60)
            let batch = try await projection.watermark(of: cluster)
            let stale = try await storageError {
                _ = try await projection.write(items, of: state, after: Revision(rawValue: batch.rawValue - 1))
            }
            #expect(stale == .ahead(batch))
        }
    }

    @Test("a database of another cluster is neither written nor read")
    func foreign() async throws {
        var (ours, theirs) = (try LoggedState(), try LoggedState(clusterID: "theirs"))
        try ours.submit("t")
        try theirs.submit("t")
        try await Database.with { database in
            try await database.project(theirs)
            let cluster = try #require(ClusterIdentity(ours.state))
            let expected = StorageError.foreignDatabase(clusterID: "theirs")
            #expect(try await storageError { try await database.project(ours) } == expected)
            #expect(
                try await storageError {
                    _ = try await database.projection.write(ours.outbox, of: ours.state, after: .zero)
                } == expected)
            #expect(try await storageError { _ = try await database.queries.task(key("t"), of: cluster) } == expected)
            #expect(
                try await storageError {
                    _ = try await database.queries.list(TaskListQuery(TaskFilter(tenant: "default")), over: ours.state)
                } == expected)
        }
    }

    @Test("a database that a newer generation has used is refused, an older one is taken on")
    func generations() async throws {
        var log = try LoggedState()
        try log.submit("before")
        var raised = log
        try raised.propose(.generationRaised(.with { $0.generation = 2 }))
        try raised.submit("after")
        try await Database.with { database in
            try await database.project(log)
            try await database.project(raised)
            #expect(try await storageError { try await database.project(log) } == .newerGeneration(2))
            let cluster = try #require(ClusterIdentity(log.state))
            #expect(
                try await storageError { _ = try await database.queries.task(key("before"), of: cluster) }
                    == .newerGeneration(2))
            #expect(try await database.count("SELECT count(*) FROM tasks") == 2)
            #expect(try await database.count("SELECT count(*) FROM projection") == 1)
            #expect(
                try await database.count("SELECT index FROM projection")
                    == Int(raised.outbox[1].revision.index.rawValue))
        }
    }

    @Test("after a failover that lost PostgreSQL's tail the gap is noticed and projected again")
    func lostTail() async throws {
        var log = try LoggedState()
        for id in 0..<5 { try log.submit("early\(id)") }
        try await Database.with { primary in
            try await primary.project(log)
            for batch in try await primary.project(log) { try log.propose(.persisted(batch.persisted)) }
            // What the standby had when the primary died.
            await primary.close()
            try await Database.with(template: primary.name) { standby in
                let revived = try Database(name: primary.name, server: primary.server)
                try log.run("early0")
                for id in 0..<5 { try log.submit("late\(id)") }
                for batch in try await revived.project(log) { try log.propose(.persisted(batch.persisted)) }
                await revived.close()
                #expect(log.outbox.isEmpty)

                let cluster = try #require(ClusterIdentity(log.state))
                try log.submit("last")
                let noticed = try await storageError {
                    _ = try await standby.projection.write(
                        log.outbox, of: log.state, after: log.state.projectedThrough)
                }
                let watermark = try await standby.projection.watermark(of: cluster)
                #expect(noticed == .behind(watermark))
                #expect(watermark < log.state.projectedThrough)
                try log.propose(
                    .projectionRewound(
                        .with {
                            $0.generation = UInt32(log.state.generation)
                            $0.throughRevision = watermark.rawValue
                        }))
                while log.state.nextTimer.map({ $0 <= log.state.now }) == true {
                    let now = log.state.now.microseconds
                    try log.propose(.timersDue(.with { $0.timeMicroseconds = now }))
                }
                try await standby.project(log)
                for id in ["early0", "late0", "late4", "last"] {
                    #expect(try await standby.queries.task(key(id), of: cluster) == (try log.stored(id)))
                }
                #expect(try await standby.count("SELECT count(*) FROM tasks") == 11)
            }
        }
    }

    @Test("a batch that PostgreSQL dies in is not there by half")
    func killed() async throws {
        let server = try await PostgresServer.start()
        var log = try LoggedState()
        try log.submit("before")
        try await Database.with(on: server) { database in
            try await database.project(log)
            let cluster = try #require(ClusterIdentity(log.state))
            let watermark = try await database.projection.watermark(of: cluster)
            for id in 0..<5 {
                try log.submit("t\(id)")
                try log.run("t\(id)")
            }
            let (items, state) = (log.outbox, log.state)
            let other = try Database.pool(on: server, database: database.name)
            // Executions cannot be written as long as this is held, so the batch stops in its middle.
            let holder = Task {
                try await other.withTransaction { (connection) async throws(PostgresError) -> Void in
                    _ = try await connection.query("LOCK TABLE task_executions IN EXCLUSIVE MODE")
                    _ = try await connection.query("SELECT pg_sleep(600)", timeout: .seconds(30))
                }
            }
            try await eventually {
                try await other.query(
                    "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
                ).count > 0
            }
            let write = Task { try await database.projection.write(items, of: state, after: watermark) }
            try await eventually {
                try await other.query(
                    "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'task_executions'::regclass"
                ).count > 0
            }
            server.kill()
            let failure = try await storageError { _ = try await write.value }
            _ = await holder.result
            guard case .unavailable = failure else {
                Issue.record("\(String(describing: failure))")
                return
            }
            try await server.restart()
            try await eventually { (try? await database.projection.watermark(of: cluster)) != nil }
            #expect(try await database.projection.watermark(of: cluster) == watermark)
            #expect(try await database.count("SELECT count(*) FROM tasks") == 1)
            try await database.project(log)
            #expect(try await database.count("SELECT count(*) FROM tasks") == 6)
            #expect(try await database.queries.task(key("t4"), of: cluster) == (try log.stored("t4")))
            await other.close()
        }
        await server.stop()
    }

    @Test("with PostgreSQL down every call says so at once")
    func down() async throws {
        let server = try await PostgresServer.start()
        var log = try LoggedState()
        try log.submit("t")
        try await Database.with(on: server) { database in
            try await database.project(log)
            server.kill()
            let cluster = try #require(ClusterIdentity(log.state))
            func isUnavailable(_ body: () async throws -> Void) async throws -> Bool {
                if case .unavailable = try await storageError(body) { true } else { false }
            }
            // The first may still find a connection that has just died.
            try await eventually {
                try await isUnavailable { _ = try await database.queries.task(key("t"), of: cluster) }
            }
            #expect(try await isUnavailable { _ = try await database.projection.watermark(of: cluster) })
            #expect(
                try await isUnavailable {
                    _ = try await database.projection.write(log.outbox, of: log.state, after: .zero)
                })
            #expect(
                try await isUnavailable {
                    _ = try await database.queries.list(TaskListQuery(TaskFilter(tenant: "default")), over: log.state)
                })
            #expect(try await isUnavailable { try await StorageSchema.migrate(database.pool) })
        }
        await server.stop()
    }

    @Test("without its tables the database is found not migrated")
    func notMigrated() async throws {
        let log = try LoggedState()
        let cluster = try #require(ClusterIdentity(log.state))
        let server = try await PostgresServer.shared()
        let pool = try Database.pool(on: server, database: "postgres")
        #expect(
            try await storageError { _ = try await TaskQueries(pool: pool).task(key("t"), of: cluster) } == .notMigrated
        )
        #expect(
            try await storageError {
                _ = try await TaskProjection(pool: pool, logger: .silent).watermark(of: cluster)
            } == .notMigrated)
        await pool.close()
    }
}
