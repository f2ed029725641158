import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("Submitting a task")
struct SubmitTests {
    @Test("one entry accepts and assigns")
    func acceptsAndAssigns() throws {
        var cluster = try Cluster(nodes: 1)
        let applied = try cluster.submit("a")
        let task = try cluster.task("a")
        #expect(applied.outcome == .task(key("a"), task.revision))
        #expect(task.revision == Revision(generation: 1, index: applied.index))
        #expect(task.status == .assigned && task.assignment?.epoch == Epoch(applied.index.rawValue))
        #expect(applied.assigned == ["a"] && applied.eventNames == ["task_created"])
        #expect(applied.changedTasks == [key("a")])
        #expect(task.record.createdAt == cluster.time && task.record.createdWall == cluster.time + 7)
    }

    @Test("without a free slot it waits, and the next slot is its")
    func waits() throws {
        var cluster = try Cluster(nodes: 1, slots: 1)
        try cluster.submit("a")
        try cluster.submit("b")
        #expect(try cluster.status("b") == .pending && cluster.state.counts.queued == 1)
        try cluster.start("a", steps: [0])
        let end = try cluster.complete("a", result: "r", finish: .resultOfStep(0))
        #expect(end.assigned == ["b"])
        #expect(try cluster.status("b") == .assigned)
    }

    @Test("it goes to the node with the most free slots, the lowest id among equals")
    func placement() throws {
        var cluster = try Cluster(nodes: 0)
        try cluster.join(1, slots: 2)
        try cluster.join(2, slots: 3)
        try cluster.join(3, slots: 3)
        var nodes: [UInt64?] = []
        for id in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            try cluster.submit(id)
            nodes.append(try cluster.node(of: id))
        }
        #expect(nodes == [2, 3, 1, 2, 3, 1, 2, 3, nil])
        #expect(cluster.state.freeSlots == 0)
    }

    @Test("held back it occupies nothing until it is executed")
    func held() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a") { $0.autoExecute = false }
        #expect(try cluster.status("a") == .pending)
        #expect(cluster.state.counts.held == 1 && cluster.state.reservedBytes == 0 && cluster.state.freeSlots == 4)
        let applied = try cluster.execute("a")
        #expect(applied.assigned == ["a"] && cluster.state.reservedBytes > 0)
        #expect(try cluster.execute("a").rejection == .wrongState(.assigned))
    }

    @Test("the same id twice is refused, in another tenant it is another task")
    func identity() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        #expect(try cluster.submit("a").rejection == .alreadyExists)
        #expect(try cluster.submit("a", tenant: "other").rejection == nil)
        #expect(cluster.state.tasks(tenant: "default", limit: 10).tasks.count == 1)
        #expect(cluster.state.tasks(tenant: "other", limit: 10).tasks.count == 1)
    }

    struct BadSpec: Sendable, CustomTestStringConvertible {
        let field: String
        let change: @Sendable (inout TaskSpec) -> Void
        var testDescription: String { field }
    }

    static let badSpecs: [BadSpec] = [
        BadSpec(field: "title") { $0.title = "" },
        BadSpec(field: "title") { $0.title = String(repeating: "x", count: 2_001) },
        BadSpec(field: "description") { $0.description_p = String(repeating: "x", count: 40_001) },
        BadSpec(field: "task_type") { $0.taskType = "" },
        BadSpec(field: "target") { $0.target = String(repeating: "x", count: 4_097) },
        BadSpec(field: "priority") { $0.priority = 11 },
        BadSpec(field: "created_by") { $0.createdBy = String(repeating: "x", count: 257) },
        BadSpec(field: "max_attempts") { $0.maxAttempts = 101 },
        BadSpec(field: "depends_on") { $0.dependsOn = (0..<65).map { "t\($0)" } },
        BadSpec(field: "strategy_code") { $0.strategyCode = .UNRECOGNIZED(9) },
        BadSpec(field: "parameters") { $0.parameters.length = 4 },
        BadSpec(field: "parameters") { $0.parameters.reference = PayloadReference() },
        BadSpec(field: "steps") { $0.steps = [] },
        BadSpec(field: "steps") { $0.steps = TaskSpec.steps(65) },
        BadSpec(field: "steps.id") { $0.steps = [$0.steps[0], $0.steps[0]] },
        BadSpec(field: "steps.agent") { $0.steps[0].agent = "" },
        BadSpec(field: "steps.needs") { $0.steps[0].needs = [0] },
        BadSpec(field: "steps.requires_approval") { $0.steps[0].requiresApproval = true },
    ]

    @Test("a field outside its range is named, and nothing is accepted", arguments: badSpecs)
    func validation(bad: BadSpec) throws {
        var cluster = try Cluster(nodes: 1)
        let applied = try cluster.submit("a", tenant: "default", bad.change)
        #expect(applied.rejection == .invalid(field: bad.field))
        #expect(cluster.state.counts.total == 0 && applied.events.isEmpty)
    }

    @Test("everything at its limit is accepted")
    func atTheLimits() throws {
        var cluster = try Cluster(nodes: 1)
        let applied = try cluster.submit("a") {
            $0.title = String(repeating: "x", count: 2_000)
            $0.description_p = String(repeating: "x", count: 40_000)
            $0.priority = 10
            $0.maxAttempts = 100
            $0.steps = TaskSpec.steps(64)
            $0.parameters = Payload(bytes: Array(repeating: 32, count: 256 << 10))
        }
        #expect(applied.rejection == nil)
        let more = try cluster.submit("b") {
            $0.parameters = Payload(bytes: Array(repeating: 32, count: 256 << 10 + 1))
        }
        #expect(more.rejection == .tooLarge(limitBytes: 256 << 10))
    }

    // MARK: Dependencies

    @Test("a task waits for all it depends on, then runs")
    func dependencies() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.submit("b")
        try cluster.submit("c") { $0.dependsOn = ["a", "b", "a"] }
        #expect(cluster.state.counts.waiting == 1)
        try cluster.run("a")
        #expect(try cluster.status("c") == .pending)
        try cluster.run("b")
        #expect(try cluster.status("c") == .assigned)
        let last = try cluster.submit("d") { $0.dependsOn = ["a"] }
        #expect(last.assigned == ["d"])
    }

    @Test("a dependency that failed or was cancelled fails its dependents, down the line")
    func failedDependency() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a") { $0.autoExecute = false }
        try cluster.submit("b") { $0.dependsOn = ["a"] }
        try cluster.submit("c") { $0.dependsOn = ["b"] }
        let applied = try cluster.cancel("a")
        #expect(applied.eventNames == ["task_cancelled", "task_failed", "task_failed"])
        for (id, cause) in [("b", "a"), ("c", "b")] {
            let failure = try cluster.task(id).record.failure
            #expect(failure.reason == .dependencyFailed && failure.subject == cause)
        }
        let late = try cluster.submit("d") { $0.dependsOn = ["b"] }
        #expect(late.eventNames == ["task_created", "task_failed"] && late.rejection == nil)
    }

    @Test("an unknown dependency is refused, and so is one of another tenant")
    func unknownDependency() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a", tenant: "other")
        #expect(try cluster.submit("b") { $0.dependsOn = ["a"] }.rejection == .unknownDependency(id: "a"))
        #expect(try cluster.submit("c") { $0.dependsOn = ["c"] }.rejection == .unknownDependency(id: "c"))
    }

    @Test("a thousand dependents are told in bounded portions")
    func manyDependents() throws {
        var limits = Limits()
        limits.movesPerEntry = 50
        var cluster = try Cluster(nodes: 1, limits: limits)
        try cluster.submit("a") { $0.autoExecute = false }
        for number in 0..<1_000 { try cluster.submit("t\(number)") { $0.dependsOn = ["a"] } }
        let applied = try cluster.cancel("a")
        #expect(applied.events.count == 51 && cluster.state.counts[.failed] == 50)
        #expect(cluster.state.nextTimer == cluster.state.now)
        var entries = 1
        while cluster.state.nextTimer == cluster.state.now {
            try cluster.fireTimers()
            entries += 1
        }
        #expect(entries == 20 && cluster.state.counts[.failed] == 1_000)
    }

    // MARK: Admission

    @Test("worst-case results are set aside while a task lives; a full budget refuses with a time to come back")
    func admission() throws {
        var settings = Settings()
        settings.resultLimitBytes = 10_000
        settings.admissionLimitBytes = 50_000
        var cluster = try Cluster(nodes: 1, settings: settings)
        var accepted: [String] = []
        for id in ["a", "b", "c", "d", "e"] where try cluster.submit(id).rejection == nil { accepted.append(id) }
        #expect(accepted == ["a", "b", "c", "d"])
        #expect(try cluster.submit("x").rejection == .overloaded(retryAfterSeconds: 2))
        #expect(cluster.state.reservedBytes == 4 * 10_000)
        // What ends gives its reservation back; what finishes is never refused.
        try cluster.run("a")
        #expect(cluster.state.reservedBytes == 3 * 10_000)
        #expect(try cluster.submit("x").rejection == nil)
    }

    @Test("a task that promises small results needs little room")
    func smallPromise() throws {
        var settings = Settings()
        settings.admissionLimitBytes = 50_000
        var cluster = try Cluster(nodes: 1, settings: settings)
        #expect(try cluster.submit("a").rejection == .overloaded(retryAfterSeconds: 2))
        #expect(try cluster.submit("b") { $0.resultLimitBytes = 500 }.rejection == nil)
        try cluster.start("b")
        let tooLong = try cluster.complete("b", result: String(repeating: "x", count: 501))
        #expect(tooLong.rejection == .tooLarge(limitBytes: 500))
    }

    @Test("tasks that are held back count for what they occupy, also once PostgreSQL has them")
    func heldTasksCount() throws {
        var settings = Settings()
        settings.admissionLimitBytes = 12_000
        var cluster = try Cluster(nodes: 1, settings: settings)
        var accepted = 0
        while accepted < 100, try cluster.submit("t\(accepted)", { $0.autoExecute = false }).rejection == nil {
            accepted += 1
            try cluster.persistAll()
        }
        #expect((8...11).contains(accepted))
        #expect(cluster.state.outboxCount == 0 && cluster.state.reservedBytes == 0)
    }

    @Test("a full outbox refuses new tasks, and only those")
    func fullOutbox() throws {
        var settings = Settings()
        settings.admissionLimitTasks = 2
        var cluster = try Cluster(nodes: 1, settings: settings)
        try cluster.submit("a")
        try cluster.submit("b")
        #expect(try cluster.submit("c").rejection == .overloaded(retryAfterSeconds: 2))
        try cluster.run("a")
        try cluster.cancel("b")
        #expect(try cluster.execute("a").rejection == .overloaded(retryAfterSeconds: 2))
        try cluster.persistAll()
        #expect(try cluster.submit("c").rejection == nil)
    }
}
