import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("Executing a task")
struct ExecutionTests {
    @Test("from assigned to completed: statuses, events, checkpoints, result")
    func course() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a") { $0.steps = TaskSpec.steps(2) }
        #expect(cluster.state.readySteps(of: key("a")) == [0])
        let started = try cluster.start("a", steps: [0])
        #expect(started.eventNames == ["task_execution_started", "agent_started"])
        #expect(try cluster.status("a") == .executing)
        let first = try cluster.complete("a", step: 0, result: "one")
        #expect(first.eventNames == ["agent_completed"])
        #expect(try first.events[0].result?.decoded() == Array("one".utf8))
        #expect(first.events[0].record.agent == "code_analysis" && first.events[0].record.stepNumber == 1)
        #expect(cluster.state.readySteps(of: key("a")) == [1])
        #expect(try cluster.task("a").progressPercent == 50)
        let last = try cluster.complete("a", step: 1, result: "two", finish: .resultOfStep(1))
        #expect(last.eventNames == ["agent_completed", "task_completed"])
        #expect(last.events.map(\.offset.ordinal) == [0, 1])
        let task = try cluster.task("a")
        #expect(task.status == .completed && task.progressPercent == 100 && task.assignment == nil)
        #expect(try cluster.state.result(of: key("a"))?.decoded() == Array("two".utf8))
        #expect(cluster.state.steps(of: key("a")).map(\.status) == [.completed, .completed])
        #expect(cluster.state.freeSlots == 4 && cluster.state.reservedBytes == 0)
    }

    @Test("a step completed without a word before it has started the task")
    func impliedStart() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        let applied = try cluster.complete("a", result: "r")
        #expect(applied.eventNames == ["task_execution_started", "agent_completed"])
    }

    @Test("a step commits once")
    func once() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.complete("a", result: "first")
        #expect(try cluster.complete("a", result: "second").rejection == .stepAlreadyCompleted)
        #expect(try cluster.start("a", steps: [0]).rejection == .stepAlreadyCompleted)
        try cluster.finish("a", .resultOfStep(0))
        #expect(try cluster.state.result(of: key("a"))?.decoded() == Array("first".utf8))
        #expect(try cluster.finish("a", .failed).rejection == .wrongState(.completed))
    }

    @Test("another epoch than the present one is fenced and counted, and changes nothing")
    func fenced() throws {
        var cluster = try Cluster(nodes: 2, slots: 1)
        try cluster.submit("a")
        let old = try #require(try cluster.task("a").assignment)
        try cluster.start("a", steps: [0])
        try cluster.leave(old.node.rawValue)
        let new = try #require(try cluster.task("a").assignment)
        #expect(new.node != old.node && new.epoch > old.epoch && new.attempt == 2)
        let before = try cluster.task("a").record
        for rejection in [
            try cluster.complete("a", epoch: old.epoch.rawValue, result: "late").rejection,
            try cluster.finish("a", epoch: old.epoch.rawValue).rejection,
            try cluster.start("a", epoch: old.epoch.rawValue).rejection,
        ] {
            #expect(rejection == .fenced(current: new.epoch))
        }
        #expect(try cluster.task("a").record == before)
        #expect(cluster.state.totals.fenced == 3)
    }

    @Test("late usage of a fenced attempt changes cost and nothing else")
    func lateUsage() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        try cluster.run("a")
        try cluster.persistAll()
        let applied = try cluster.request(
            .usageReported(
                .with {
                    $0.taskID = "a"
                    $0.usage.costMicroUsd = 250
                    $0.usage.outputTokens = 9
                }))
        let record = try cluster.task("a").record
        #expect(applied.rejection == nil && applied.events.isEmpty)
        #expect(record.status == .completed && record.costMicroUsd == 250 && record.lateCostMicroUsd == 250)
        #expect(cluster.state.outboxCount == 1 && cluster.state.totals.lateCostMicroUsd == 250)
    }

    @Test("sums of usage stop at the end of their range")
    func saturation() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        for _ in 0..<3 {
            try cluster.request(
                .usageReported(
                    .with {
                        $0.taskID = "a"
                        $0.usage.costMicroUsd = .max
                        $0.usage.inputTokens = .max
                    }))
        }
        #expect(try cluster.task("a").record.costMicroUsd == .max)
    }

    @Test("a result above the limit is refused, at the limit it is kept")
    func resultLimit() throws {
        var settings = Settings()
        settings.resultLimitBytes = 1_000
        var cluster = try Cluster(nodes: 1, settings: settings)
        try cluster.submit("a") { $0.steps = TaskSpec.steps(2) }
        let big = String(repeating: "x", count: 1_001)
        #expect(try cluster.complete("a", result: big).rejection == .tooLarge(limitBytes: 1_000))
        #expect(try cluster.complete("a", result: String(big.dropLast())).rejection == nil)
        let end = Finish.with {
            $0.outcomeCode = .completed
            $0.result = Payload(bytes: Array(big.utf8))
        }
        #expect(try cluster.complete("a", step: 1, finish: end).rejection == .tooLarge(limitBytes: 1_000))
        #expect(cluster.state.steps(of: key("a"))[1].status == nil, "a refused command did none of its work")
    }

    @Test("a task all of whose agents failed cannot be called completed")
    func neverCompletedByFailure() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        let failed = try cluster.complete("a", outcome: .failed)
        #expect(failed.eventNames == ["task_execution_started", "agent_failed"])
        #expect(try cluster.finish("a").rejection == .invalid(field: "finish.outcome_code"))
        let end = try cluster.finish("a", .failed)
        #expect(end.eventNames == ["task_failed"])
        #expect(try cluster.task("a").record.failure.reason == .agentsFailed)
    }

    @Test("a result that names a step without one is refused")
    func resultOfNothing() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a") { $0.steps = TaskSpec.steps(2) }
        try cluster.complete("a", step: 0)
        for step in [0, 1, 99] as [UInt32] {
            #expect(try cluster.finish("a", .resultOfStep(step)).rejection == .invalid(field: "finish.result_of_step"))
        }
    }

    @Test("a step that is not in the plan is unknown")
    func unknownStep() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a")
        #expect(try cluster.complete("a", step: 1).rejection == .unknownStep)
        #expect(try cluster.start("a", steps: [1]).rejection == .unknownStep)
        #expect(try cluster.status("a") == .assigned)
    }

    @Test("after a death the next attempt goes on behind the last checkpoint")
    func resume() throws {
        var cluster = try Cluster(nodes: 2)
        try cluster.submit("a") { $0.steps = TaskSpec.steps(3) }
        try cluster.start("a", steps: [0])
        try cluster.complete("a", step: 0, result: "kept")
        try cluster.start("a", steps: [1])
        try cluster.leave(try #require(try cluster.node(of: "a")))
        let steps = cluster.state.steps(of: key("a"))
        #expect(steps.map(\.status) == [.completed, .interrupted, nil] && steps[0].attempt == 1)
        #expect(cluster.state.readySteps(of: key("a")) == [1])
        try cluster.start("a", steps: [1])
        #expect(cluster.state.readySteps(of: key("a")) == [])
        try cluster.complete("a", step: 1, result: "second try")
        try cluster.complete("a", step: 2, result: "end", finish: .resultOfStep(2))
        let executions = cluster.state.executions(of: key("a")).map { ($0.ordinal, $0.attempt, $0.status) }
        #expect(
            executions.map { "\($0.0)/\($0.1 ?? 0)/\($0.2?.name ?? "")" } == [
                "0/1/completed", "1/1/interrupted", "1/2/completed", "2/2/completed",
            ])
        #expect(try cluster.task("a").record.attempt == 2)
    }

    @Test("a terminal task runs again as a new attempt, with nothing of the old one's course")
    func again() throws {
        var cluster = try Cluster(nodes: 1)
        try cluster.submit("a") { $0.deadlineMilliseconds = 60_000 }
        try cluster.run("a", result: "old")
        let applied = try cluster.execute("a")
        let task = try cluster.task("a")
        #expect(applied.assigned == ["a"] && task.status == .assigned && task.record.attempt == 2)
        #expect(cluster.state.result(of: key("a")) == nil && cluster.state.steps(of: key("a"))[0].status == nil)
        #expect(task.record.deadlineAt == cluster.time + 60_000_000)
        try cluster.run("a", result: "new")
        #expect(try cluster.state.result(of: key("a"))?.decoded() == Array("new".utf8))
        // PostgreSQL gets both runs' executions; then only the present one is kept.
        #expect(cluster.state.executions(of: key("a")).map(\.attempt) == [1, 2])
        try cluster.persistAll()
        #expect(cluster.state.executions(of: key("a")).map(\.attempt) == [2])
        #expect(try cluster.state.result(of: key("a"))?.decoded() == Array("new".utf8))
    }
}
