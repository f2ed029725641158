import ClusterState
import Postgres
import SwiftProtobuf
import Testing

@testable import Storage

@Suite("Batches of the projection")
struct BatchTests {
    private func log(tasks: Int, result: Int = 0) throws -> LoggedState {
        var log = try LoggedState()
        for id in 0..<tasks {
            try log.submit("t\(id)")
            if result > 0 { try log.run("t\(id)", result: "\"" + String(repeating: "x", count: result) + "\"") }
        }
        return log
    }

    @Test("a batch ends at its limits of tasks, statements and bytes, and has at least one task")
    func limits() throws {
        let log = try log(tasks: 10, result: 100)
        // A result counts for its step and for the task, and the task is kept as it was accepted.
        let each = 204 + (try log.view("t0").spec.archived.count)
        func written(_ change: (inout StorageLimits) -> Void) -> Int {
            var limits = StorageLimits()
            change(&limits)
            return BatchPlan(log.outbox, of: log.state, limits: limits).written.count
        }
        #expect(written { _ in } == 10)
        #expect(written { $0.batchTasks = 10 } == 10)
        #expect(written { $0.batchTasks = 9 } == 9)
        #expect(written { $0.batchStatements = 20 } == 10)
        #expect(written { $0.batchStatements = 19 } == 9)
        #expect(written { $0.batchBytes = each * 10 } == 10)
        #expect(written { $0.batchBytes = each * 10 - 1 } == 9)
        #expect(written { $0.batchBytes = 1 } == 1)
        #expect(written { $0.batchStatements = 1 } == 1)
    }

    @Test("the watermark never claims a change that an entry made beside the last one written")
    func sharedRevision() throws {
        var log = try log(tasks: 4)
        // One entry takes all four from the node.
        try log.propose(
            .nodeLeft(
                .with {
                    $0.nodeID = 1; $0.bootID = 1; $0.proposerTerm = 1; $0.departureCode = .lost
                }))
        let items = log.outbox
        #expect(Set(items.map(\.revision)).count == 1)
        var limits = StorageLimits()
        limits.batchTasks = 2
        let plan = BatchPlan(items, of: log.state, limits: limits)
        #expect(plan.written == Array(items[..<2]))
        #expect(plan.through < items[0].revision)
        #expect(BatchPlan(items, of: log.state, limits: StorageLimits()).through == items[0].revision)
    }

    @Test("the command names what was written and the watermark")
    func command() async throws {
        var log = try log(tasks: 3)
        try await Database.with { database in
            let batches = try await database.project(log)
            #expect(batches.count == 1)
            #expect(batches[0].persisted.tasks.map(\.taskID) == ["t0", "t1", "t2"])
            try log.propose(.persisted(batches[0].persisted))
            #expect(log.outbox.isEmpty)
            #expect(log.state.projectedThrough == batches[0].watermark)
        }
    }

    @Test("a task with more than one round trip's bytes or executions is still one transaction")
    func large() async throws {
        var log = try LoggedState()
        try log.submit("large", steps: 20)
        for step in 0..<20 {
            try log.complete("large", step: UInt32(step), result: "\"" + String(repeating: "y", count: 1_000) + "\"")
        }
        try await Database.with { database in
            var limits = StorageLimits()
            limits.pipelineBytes = 5_000
            limits.batchStatements = 7
            #expect(BatchPlan(log.outbox, of: log.state, limits: limits).parts(limits).count > 3)
            let batch = try await database.projection(limits).write(log.outbox, of: log.state, after: .zero)
            #expect(batch.tasks == log.outbox)
            let cluster = try #require(ClusterIdentity(log.state))
            #expect(try await database.queries.task(key("large"), of: cluster) == (try log.stored("large")))
        }
    }

    @Test("a task whose JSON PostgreSQL cannot hold is written without it and holds up nobody")
    func unstorable() async throws {
        var log = try LoggedState()
        try log.submit("good1")
        try log.submit("bad1")
        try log.run("bad1", result: "no JSON at all")
        try log.submit("good2")
        try log.submit("bad2") { $0.parameters = Payload(bytes: Array(String(repeating: "[", count: 100_000).utf8)) }
        try log.submit("good3") { $0.title = "zero \0 byte" }
        try log.run("good3", result: #"{"output":"not \u0000 text"}"#)
        try await Database.with { database in
            let batches = try await database.project(log)
            #expect(batches.flatMap(\.tasks) == log.outbox)
            #expect(Set(batches.flatMap(\.reduced)) == [key("bad1"), key("bad2")])
            let cluster = try #require(ClusterIdentity(log.state))
            let bad = try #require(try await database.queries.task(key("bad1"), of: cluster))
            #expect(bad.status == .completed && bad.result == nil && bad.executions.map(\.result) == [nil])
            let good = try #require(try await database.queries.task(key("good3"), of: cluster))
            #expect(good.title == "zero \u{FFFD} byte")
            #expect(good.result == (try log.stored("good3").result))
        }
    }

    @Test("a step that has not changed is not written again")
    func unchangedExecution() async throws {
        var log = try LoggedState()
        try log.submit("t", steps: 2)
        try log.start("t")
        try log.complete("t", step: 0)
        try await Database.with { database in
            try await database.project(log)
            let version = "SELECT xmin::text::int8 FROM task_executions WHERE step = 0"
            let before = try await database.count(version)
            try log.complete("t", step: 1, finish: .completed)
            try await database.project(log)
            #expect(try await database.count(version) == before)
            let cluster = try #require(ClusterIdentity(log.state))
            #expect(try await database.queries.task(key("t"), of: cluster) == (try log.stored("t")))
        }
    }

    @Test("six thousand tasks that have waited go in batches, each once")
    func backlog() async throws {
        let log = try log(tasks: 6_000)
        try await Database.with { database in
            let batches = try await database.project(log)
            #expect(batches.count == 15)
            #expect(batches.flatMap(\.tasks) == log.outbox)
            #expect(try await database.count("SELECT count(*) FROM tasks") == 6_000)
        }
    }
}
