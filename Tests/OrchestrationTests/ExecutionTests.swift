import Agents
import ClusterState
import Foundation
import Orchestration
import Raft
import SwiftProtobuf
import Testing

/// One node: what becomes of a task.
@Suite("Execution", .serialized)
struct ExecutionTests {
    @Test("a task runs step by step, each step once, and its result is that of its steps")
    func stepByStep() async throws {
        try await Nodes.run(1) { nodes in
            let key = try await nodes.submit([("first", []), ("second", [0]), ("third", [1])])
            let task = try await nodes.end(of: key)
            #expect(task.status == .completed)
            #expect(nodes.script.runs.map(\.step) == ["first", "second", "third"])
            #expect(task.record.stepsCompleted == 3)
            #expect(task.record.attempt == 1)
            let state = nodes.members[0].cluster.state
            #expect(state.steps(of: key).map(\.status) == [.completed, .completed, .completed])
            let result = try #require(state.result(of: key)).decoded()
            let whole = try JSONSerialization.jsonObject(with: Data(result)) as? [String: Any]
            #expect(whole?["agents"] as? [String] == ["scripted", "scripted", "scripted"])
            #expect(whole?["success_rate"] as? Double == 1)
        }
    }

    @Test("code is analysed for real, and what was found is in the result")
    func codeAnalysis() async throws {
        try await Nodes.run(1) { nodes in
            let folder = nodes.workspace.appendingPathComponent("project")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data("def run(text):\n    return eval(text)\n".utf8).write(to: folder.appendingPathComponent("main.py"))
            let key = try await nodes.submit(.analysis(of: "project"))
            let task = try await nodes.end(of: key)
            #expect(task.status == .completed)
            let bytes = try #require(nodes.members[0].cluster.state.result(of: key)).decoded()
            let result = try AgentJSON.decode(AgentResult.self, from: bytes)
            #expect(result.findings.contains { $0.location.path.hasSuffix("main.py") && $0.location.line == 2 })
        }
    }

    @Test(
        "a folder that is missing or outside the workspace fails the task with a sentence that names it",
        arguments: [
            ("nowhere", "does not exist"), ("../..", "outside the workspace"), ("/etc", "outside the workspace"),
        ])
    func badTarget(_ target: String, _ reason: String) async throws {
        try await Nodes.run(1) { nodes in
            let key = try await nodes.submit(.analysis(of: target))
            let task = try await nodes.end(of: key)
            #expect(task.status == .failed)
            #expect(task.record.failure.reasonCode == .agentsFailed)
            #expect(task.failureText.contains("target: '\(target)'"))
            #expect(task.failureText.contains(reason))
        }
    }

    @Test("a tool that fails fails its step with the tool's own words, and dooms only what needs the step")
    func failingTool() async throws {
        try await Nodes.run(1) { nodes in
            nodes.script.fail("broken", "the widget is stuck")
            let key = try await nodes.submit([("broken", []), ("needs it", [0]), ("needs that", [1]), ("alone", [])])
            let task = try await nodes.end(of: key)
            let steps = nodes.members[0].cluster.state.steps(of: key)
            #expect(steps.map(\.status) == [.failed, .skipped, .skipped, .completed])
            #expect(steps[0].record?.failure.message.contains("the widget is stuck") == true)
            #expect(task.status == .completed, "one agent did its part")
            #expect(task.record.successPpm == 250_000)
            #expect(nodes.script.runs(of: "needs it").isEmpty)
        }
    }

    @Test("a task all of whose agents fail has failed, and says why")
    func allFail() async throws {
        try await Nodes.run(1) { nodes in
            nodes.script.fail("broken", "the widget is stuck")
            let key = try await nodes.submit([("broken", []), ("never", [0])])
            let task = try await nodes.end(of: key)
            #expect(task.status == .failed)
            #expect(task.record.failure.reasonCode == .agentsFailed)
            #expect(task.failureText.contains("the widget is stuck"))
        }
    }

    @Test("an agent that this node does not have fails its step instead of holding the task")
    func unknownAgent() async throws {
        try await Nodes.run(1) { nodes in
            let key = try await nodes.submit([("x", [])]) { $0.steps[0].agent = "of tomorrow" }
            let task = try await nodes.end(of: key)
            #expect(task.status == .failed)
            #expect(task.failureText.contains("of tomorrow"))
        }
    }

    @Test(
        "a result that is larger than the task may have is cut or fails the step; the task does not hang",
        arguments: [400, 4_000])
    func resultLimit(_ bytes: UInt64) async throws {
        try await Nodes.run(1) { nodes in
            let key = try await nodes.submit([("a", []), ("b", [])]) { $0.resultLimitBytes = bytes }
            let task = try await nodes.end(of: key)
            #expect(task.status == (bytes < 1000 ? .failed : .completed))
            if bytes < 1000 { #expect(task.failureText.contains("400 bytes")) }
        }
    }

    @Test("a node runs no more tasks than it has slots, and what is urgent goes first")
    func slotsAndPriority() async throws {
        var options = Nodes.Options()
        options.slots = 2
        try await Nodes.run(1, options: options) { nodes in
            nodes.script.hold("one", "two")
            let first = try await nodes.submit([("one", [])])
            let second = try await nodes.submit([("two", [])])
            try await eventually("both slots are taken") {
                nodes.script.isRunning("one") && nodes.script.isRunning("two")
            }
            let late = try await nodes.submit([("late", [])]) { $0.priority = 9 }
            let urgent = try await nodes.submit([("urgent", [])]) { $0.priority = 1 }
            #expect(nodes.members[0].executor.runningCount == 2)
            #expect(nodes.members[0].cluster.state.task(late)?.status == .pending)
            nodes.script.release("one", "two")
            for key in [first, second, late, urgent] { #expect(try await nodes.end(of: key).status == .completed) }
            // Both wait for the same slot or are served together: the urgent one is never assigned later.
            let state = nodes.members[0].cluster.state
            #expect(try #require(state.task(urgent)).record.epoch <= (try #require(state.task(late)).record.epoch))
        }
    }

    @Test("whoever submits many tasks at once does not keep others waiting behind them")
    func fairness() async throws {
        var options = Nodes.Options()
        options.slots = 1
        try await Nodes.run(1, options: options) { nodes in
            nodes.script.hold("first")
            let first = try await nodes.submit([("first", [])])
            var keys = [first]
            for number in 1...6 { keys.append(try await nodes.submit([("greedy \(number)", [])])) }
            keys.append(try await nodes.submit([("modest", [])]) { $0.createdBy = "another" })
            nodes.script.release("first")
            for key in keys { try await nodes.end(of: key) }
            let order = nodes.script.runs.map(\.step)
            #expect(try #require(order.firstIndex(of: "modest")) <= 2)
        }
    }

    @Test("a task whose deadline passes has failed by it, and its step is stopped")
    func deadline() async throws {
        try await Nodes.run(1) { nodes in
            nodes.script.hold("endless")
            let key = try await nodes.submit([("endless", [])]) { $0.deadlineMilliseconds = 5_000 }
            try await eventually("the step runs") { nodes.script.isRunning("endless") }
            let task = try await nodes.end(of: key)
            #expect(task.record.failure.reasonCode == .deadline)
            try await eventually("the step is stopped") { nodes.script.runs(of: "endless").map(\.end) == [.cancelled] }
            try await eventually("the slot is free") { nodes.members[0].executor.runningCount == 0 }
        }
    }

    @Test("steps that need nothing of each other run side by side")
    func parallel() async throws {
        try await Nodes.run(1) { nodes in
            nodes.script.hold("left", "right")
            let key = try await nodes.submit([("left", []), ("right", []), ("both", [0, 1])])
            try await eventually("both run") { nodes.script.isRunning("left") && nodes.script.isRunning("right") }
            nodes.script.release("left")
            try await eventually("left is committed") {
                nodes.members[0].cluster.state.steps(of: key)[0].status == .completed
            }
            #expect(nodes.script.runs(of: "both").isEmpty)
            nodes.script.release("right")
            #expect(try await nodes.end(of: key).status == .completed)
            #expect(nodes.script.runs.map(\.step).last == "both")
        }
    }
}

extension TaskSpec {
    static func analysis(of target: String) -> TaskSpec {
        .with {
            $0.title = "analysis"
            $0.taskType = "code_analysis"
            $0.target = target
            $0.autoExecute = true
            $0.createdBy = "tester"
            $0.steps = [
                .with {
                    $0.id = "analysis"
                    $0.agent = "code_analysis"
                }
            ]
        }
    }
}
