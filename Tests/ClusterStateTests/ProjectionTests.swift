import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("The outbox, eviction, tombstones")
struct ProjectionTests {
    @Test("the outbox holds each task that changed once, under its last revision, oldest first")
    func outbox() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.submit("b")
        try cluster.start("a")
        let outbox = cluster.state.outbox(limit: 10, byteLimit: .max)
        #expect(outbox.map(\.key.id) == ["b", "a"])
        #expect(outbox.map(\.revision) == [try cluster.task("b").revision, try cluster.task("a").revision])
        #expect(cluster.state.outbox(limit: 1, byteLimit: .max).count == 1)
        #expect(cluster.state.outbox(limit: 10, byteLimit: 0).count == 1, "one always comes, or nothing ever would")
    }

    @Test("persisted takes out exactly the revision that was written")
    func exact() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.submit("b")
        let written = cluster.state.outbox(limit: 10, byteLimit: .max)
        try cluster.start("a")
        let applied = try cluster.persist(written.map { ($0.key, $0.revision) })
        #expect(applied.outcome == .done(count: 1))
        #expect(cluster.state.outbox(limit: 10, byteLimit: .max).map(\.key.id) == ["a"])
        #expect(try cluster.persist(written.map { ($0.key, $0.revision) }).outcome == .done(count: 0))
        #expect(cluster.state.projectedThrough == written.map(\.revision).max())
    }

    @Test("a revision from the future, or of another generation, is not believed")
    func unbelievable() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        let future = Revision(rawValue: try cluster.task("a").revision.rawValue + 100)
        #expect(try cluster.persist([(key("a"), future)]).rejection == .invalid(field: "through_revision"))
        try cluster.propose(.generationRaised(.with { $0.generation = 2 }))
        #expect(try cluster.propose(.persisted(.with { $0.generation = 1 })).rejection == .stale)
        #expect(cluster.state.outboxCount == 1)
    }

    @Test("after the grace a persisted terminal task leaves a tombstone, and after an hour nothing")
    func eviction() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.run("a")
        let revision = try cluster.task("a").revision
        cluster.pass(milliseconds: 3_600_000)
        try cluster.fireAllTimers()
        #expect(try cluster.status("a") == .completed, "never before PostgreSQL has it")
        try cluster.persistAll()
        cluster.pass(milliseconds: 10 * 60_000)
        try cluster.fireAllTimers()
        #expect(cluster.state.task(key("a")) == nil && cluster.stepRows == 0)
        #expect(cluster.state.tombstone(key("a")) == Tombstone(status: .completed, revision: revision))
        #expect(try cluster.cancel("a").rejection == .evicted(.completed, revision))
        #expect(try cluster.submit("a").rejection == .alreadyExists)
        #expect(try cluster.submit("b") { $0.dependsOn = ["a"] }.assigned == ["b"])
        cluster.pass(milliseconds: 3_600_000)
        try cluster.fireAllTimers()
        #expect(cluster.state.tombstone(key("a")) == nil)
        #expect(try cluster.execute("a").rejection == .unknownTask)
    }

    @Test("when bytes are wanted the oldest persisted go first, in bounded portions")
    func pressure() throws {
        var settings = Settings()
        settings.retainedLimitBytes = 12_000
        settings.tombstoneLimit = 20
        var cluster = try Cluster(nodes: 1, settings: settings)
        for number in 0..<40 {
            try cluster.submit("t\(number)")
            try cluster.run("t\(number)")
            cluster.pass(milliseconds: 1)
            try cluster.persistAll()
        }
        #expect(cluster.state.retainedBytes <= 12_000)
        let kept = cluster.state.tasks(tenant: "default", limit: 100).tasks.map(\.key.id)
        #expect(kept == (0..<kept.count).map { "t\(39 - $0)" } && kept.count > 3)
        #expect(cluster.tombstones == 20)
    }

    @Test("what PostgreSQL lost goes into the outbox again", arguments: [2_048, 3])
    func rewind(rowsPerEntry: Int) throws {
        var limits = Limits()
        limits.rewoundRowsPerEntry = rowsPerEntry
        var cluster = try Cluster(nodes: 1, limits: limits)
        for number in 0..<10 {
            try cluster.submit("t\(number)")
            try cluster.run("t\(number)")
        }
        let outbox = cluster.state.outbox(limit: 100, byteLimit: .max)
        try cluster.persistAll()
        #expect(cluster.state.outboxCount == 0)
        let through = outbox[6].revision
        try cluster.propose(
            .projectionRewound(
                .with {
                    $0.generation = 1
                    $0.throughRevision = through.rawValue
                }))
        try cluster.fireAllTimers()
        #expect(cluster.state.outbox(limit: 100, byteLimit: .max) == Array(outbox[7...]))
        #expect(cluster.state.projectedThrough == through)
        try cluster.persistAll()
        #expect(cluster.state.outboxCount == 0)
    }

    @Test("what was evicted after a revision is named up to a limit and counted, as long as its tombstones are there")
    func evictedAfter() throws {
        var cluster = try Cluster(nodes: 1)
        for number in 0..<10 {
            try cluster.submit("t\(number)")
            try cluster.run("t\(number)")
        }
        let outbox = cluster.state.outbox(limit: 100, byteLimit: .max)
        try cluster.persistAll()
        #expect(cluster.state.evicted(after: .zero, limit: 10).count == 0)
        cluster.pass(milliseconds: 10 * 60_000)
        try cluster.fireAllTimers()
        let gap = cluster.state.evicted(after: outbox[6].revision, limit: 2)
        #expect(gap.tasks == Array(outbox[7...].map(\.key).sorted().prefix(2)) && gap.count == 3 && gap.isComplete)
        #expect(cluster.state.evicted(after: outbox[9].revision, limit: 2).isComplete)
        cluster.pass(milliseconds: 3_600_000)
        try cluster.fireAllTimers()
        let forgotten = cluster.state.evicted(after: outbox[6].revision, limit: 2)
        #expect(forgotten.count == 0 && !forgotten.isComplete)
    }

    @Test("a batch at the limit is taken, a greater one is not")
    func batchLimit() throws {
        var limits = Limits()
        limits.persistedTasksPerCommand = 3
        var cluster = try Cluster(nodes: 1, limits: limits)
        for number in 0..<4 { try cluster.submit("t\(number)") }
        let items = cluster.state.outbox(limit: 4, byteLimit: .max).map { ($0.key, $0.revision) }
        #expect(try cluster.persist(items).rejection == .invalid(field: "tasks"))
        #expect(try cluster.persist(Array(items.prefix(3))).outcome == .done(count: 3))
    }

    @Test("lists are newest first, by tenant, page by page")
    func lists() throws {
        var cluster = try Cluster(nodes: 1, slots: 20)
        for number in 0..<7 {
            try cluster.submit("t\(number)")
            try cluster.submit("o\(number)", tenant: "other")
        }
        try cluster.start("t2")
        var ids: [String] = []
        var before: Revision?
        repeat {
            let page = cluster.state.tasks(tenant: "default", before: before, limit: 3)
            ids += page.tasks.map(\.key.id)
            before = page.next
        } while before != nil
        #expect(ids == ["t6", "t5", "t4", "t3", "t2", "t1", "t0"])
        let executing = cluster.state.tasks(tenant: "default", limit: 3) { $0.status == .executing }
        #expect(executing.tasks.map(\.key.id) == ["t2"] && executing.next == nil)
        #expect(cluster.state.tasks(tenant: "nobody", limit: 3).tasks.isEmpty)
    }
}
