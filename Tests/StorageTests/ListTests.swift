import ClusterState
import Postgres
import SwiftProtobuf
import Telemetry
import Testing

@testable import Storage

@Suite("Lists of tasks")
struct ListTests {
    /// What a list over everything must be: those of `tasks` that match, in the order of lists.
    private func expected(_ filter: TaskFilter, from tasks: [TaskView]) -> [TaskView] {
        func place(_ task: TaskView) -> TaskListCursor {
            TaskListCursor(createdAt: WallTime(stored: task.record.createdWall), taskID: task.key.id)
        }
        return tasks.filter(filter.matches).sorted { place($0).precedes(place($1)) }
    }

    @Test("a filter means the same to PostgreSQL as to the live state", arguments: seeds(1...4))
    func filterDifferential(seed: UInt64) async throws {
        var tasks = RandomTasks(seed: seed)
        var log = try LoggedState()
        try tasks.submit(120, to: &log)
        let all = ["default", "other"].flatMap { log.state.tasks(tenant: $0, limit: .max).tasks }
        // Nothing waits, so PostgreSQL alone answers.
        var persisted = log
        try await Database.with { database in
            for batch in try await database.project(log) { try persisted.propose(.persisted(batch.persisted)) }
            #expect(persisted.outbox.isEmpty)
            var found = 0
            for _ in 0..<60 {
                let filter = tasks.filter(for: log)
                let wanted = expected(filter, from: all).map(\.key.id)
                let list = try await database.queries.list(TaskListQuery(filter, limit: 1_000), over: persisted.state)
                #expect(list.tasks.map(\.key.id) == wanted, "seed \(seed), \(filter)")
                #expect(list.total == UInt64(wanted.count))
                found += wanted.count
            }
            #expect(found > 100, "a run that finds nothing shows nothing: seed \(seed)")
        }
    }

    @Test("pages of PostgreSQL and the live state hold every task once, whatever has moved", arguments: seeds(1...4))
    func paging(seed: UInt64) async throws {
        var tasks = RandomTasks(seed: seed)
        var log = try LoggedState()
        try tasks.submit(40, to: &log)
        let early = log
        for item in log.outbox where tasks.random.chance(50) {
            try tasks.advance(item.key.id, item.key.tenant, in: &log)
        }
        try tasks.submit(20, to: &log)
        let live = log
        try await Database.with { database in
            try await database.project(early)
            // The projector on the leader is beyond what this node has applied.
            for item in log.outbox where tasks.random.chance(70) {
                try tasks.advance(item.key.id, item.key.tenant, in: &log)
            }
            // Some of it PostgreSQL has already: the newest come last in the outbox.
            let items = Array(log.outbox.dropLast(tasks.random.below(3)))
            let cluster = try #require(ClusterIdentity(log.state))
            let watermark = try await database.projection.watermark(of: cluster)
            _ = try await database.projection.write(items, of: log.state, after: watermark)
            let chosen = try await merged(live, log, in: database)
            let newer = chosen.filter { $0.revision > live.state.task($0.key)?.revision ?? .zero }
            #expect(!newer.isEmpty, "a run in which nothing has moved shows nothing: seed \(seed)")
            for _ in 0..<12 {
                let filter = tasks.filter(for: live)
                let all = try await database.queries.list(TaskListQuery(filter, limit: 1_000), over: live.state)
                #expect(all.next == nil)
                #expect(UInt64(all.tasks.count) == all.total)
                let wanted = expected(filter, from: chosen)
                #expect(all.tasks.map(\.key.id) == wanted.map(\.key.id), "seed \(seed), \(filter)")
                #expect(all.tasks.map(\.revision) == wanted.map(\.revision), "seed \(seed), \(filter)")
                let limit = 1 + tasks.random.below(7)
                var byCursor: [StoredTask] = []
                var query = TaskListQuery(filter, limit: limit)
                while true {
                    let page = try await database.queries.list(query, over: live.state)
                    #expect(page.total == all.total)
                    byCursor += page.tasks
                    guard let next = page.next else { break }
                    query.start = .after(next)
                }
                #expect(byCursor == all.tasks, "seed \(seed), \(filter)")
                let offset = tasks.random.below(all.tasks.count + 3)
                let page = try await database.queries.list(
                    TaskListQuery(filter, limit: limit, start: .offset(offset)), over: live.state)
                #expect(page.tasks == Array(all.tasks.dropFirst(offset).prefix(limit)), "seed \(seed), \(filter)")
                #expect((page.next != nil) == (offset + limit < all.tasks.count))
            }
        }
    }

    /// Of each task the greater revision: the node's, or PostgreSQL's, which was written from the newest state.
    private func merged(_ live: LoggedState, _ newest: LoggedState, in database: Database) async throws -> [TaskView] {
        var stored: [TaskKey: Int64] = [:]
        for row in try await database.pool.query("SELECT tenant, task_id, revision FROM tasks") {
            stored[key(try row.decode("task_id"), tenant: try row.decode("tenant"))] = try row.decode("revision")
        }
        return ["default", "other"].flatMap { newest.state.tasks(tenant: $0, limit: .max).tasks }.compactMap { newer in
            let own = live.state.task(newer.key)
            return stored[newer.key] ?? 0 > own?.revision.stored ?? 0 ? newer : own
        }
    }

    @Test("a page ends where its JSON would be too much, and goes on behind")
    func pageBytes() async throws {
        var log = try LoggedState()
        for id in 0..<4 {
            try log.submit("t\(id)")
            try log.run("t\(id)", result: "\"" + String(repeating: "x", count: 998) + "\"")
        }
        var persisted = log
        try await Database.with { database in
            for batch in try await database.project(log) { try persisted.propose(.persisted(batch.persisted)) }
            var limits = StorageLimits()
            func page(_ bytes: Int, _ detail: TaskListQuery.Detail = .full) async throws -> TaskList {
                limits.pageBytes = bytes
                return try await database.queries(limits).list(
                    TaskListQuery(TaskFilter(tenant: "default"), detail: detail), over: persisted.state)
            }
            #expect(try await page(8_000).tasks.count == 4)
            let cut = try await page(7_999)
            #expect(cut.tasks.count == 3)
            #expect(cut.total == 4)
            #expect(cut.next == TaskListCursor(createdAt: cut.tasks[2].createdAt, taskID: "t1"))
            #expect(try await page(1).tasks.count == 1)
            let summary = try await page(1, .summary)
            #expect(summary.tasks.count == 4)
            #expect(summary.tasks.allSatisfy { $0.result == nil && $0.executions[0].result == nil })
            #expect(summary.tasks[0].executions[0].status == .completed)
        }
    }

    @Test("limits of a list are told by name")
    func limits() async throws {
        var log = try LoggedState()
        try log.submit("t1")
        try log.submit("t2")
        try await Database.with { (database: Database) async throws -> Void in
            let filter = TaskFilter(tenant: "default")
            func failure(_ query: TaskListQuery, _ limits: StorageLimits = StorageLimits()) async throws
                -> StorageError?
            {
                try await storageError { _ = try await database.queries(limits).list(query, over: log.state) }
            }
            #expect(try await failure(TaskListQuery(filter, limit: 1_000)) == nil)
            #expect(try await failure(TaskListQuery(filter, limit: 1_001)) == .invalidQuery(field: "limit"))
            #expect(try await failure(TaskListQuery(filter, limit: 0)) == .invalidQuery(field: "limit"))
            #expect(try await failure(TaskListQuery(filter, start: .offset(1_000_000))) == nil)
            #expect(
                try await failure(TaskListQuery(filter, start: .offset(1_000_001))) == .invalidQuery(field: "offset"))
            #expect(try await failure(TaskListQuery(filter, start: .offset(-1))) == .invalidQuery(field: "offset"))
            var limits = StorageLimits()
            limits.mergedTasks = 2
            #expect(try await failure(TaskListQuery(filter), limits) == nil)
            limits.mergedTasks = 1
            #expect(try await failure(TaskListQuery(filter), limits) == .tooFarBehind(tasks: 2))
        }
    }
}
