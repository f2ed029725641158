import Agents
import Testing

@testable import amas

@Suite("Following a task")
struct TaskWatchTests {
    private func event(_ offset: String, _ name: String = "agent_started") -> JSONValue {
        .object(["type": .string("event"), "event": .string(name), "epoch": .string("e"), "offset": .string(offset)])
    }

    private func subscribed(_ offset: String, recovered: Bool) -> JSONValue {
        .object([
            "type": .string("subscribed"), "epoch": .string("e"), "offset": .string(offset),
            "recovered": .bool(recovered),
        ])
    }

    private func task(_ status: String) -> JSONValue { .object(["status": .string(status)]) }

    private func subscription(since offset: String? = nil) -> TaskWatch.Output {
        var fields: [String: JSONValue] = ["type": .string("subscribe"), "channel": .string("task:t")]
        if let offset { fields["since"] = .object(["epoch": .string("e"), "offset": .string(offset)]) }
        return .send(.object(fields))
    }

    @Test("the next connection resumes behind the last event")
    func resumes() {
        var watch = TaskWatch(taskID: "t")
        #expect(watch.step(.connected) == [subscription()])
        #expect(watch.step(.message(subscribed("5.0", recovered: false))) == [.readTask])
        #expect(watch.step(.message(event("7.0"))) == [.show(event("7.0"))])
        #expect(watch.step(.disconnected) == [])
        #expect(watch.step(.connected) == [subscription(since: "7.0")])
    }

    @Test("a connection lost before any event resumes from where it had subscribed")
    func resumesWithoutEvent() {
        var watch = TaskWatch(taskID: "t")
        _ = watch.step(.connected)
        _ = watch.step(.message(subscribed("5.0", recovered: false)))
        _ = watch.step(.disconnected)
        #expect(watch.step(.connected) == [subscription(since: "5.0")])
    }

    @Test("an event is shown once, however often it comes")
    func once() {
        var watch = TaskWatch(taskID: "t")
        #expect(watch.step(.message(event("7.0"))) == [.show(event("7.0"))])
        #expect(watch.step(.message(event("7.0"))) == [])
        #expect(watch.step(.message(event("7.1"))) == [.show(event("7.1"))])
    }

    @Test("a task that had ended before the subscription is not waited for")
    func endedBefore() throws {
        var watch = TaskWatch(taskID: "t")
        _ = watch.step(.connected)
        var answer = try #require(subscribed("5.0", recovered: false).objectValue)
        answer["snapshot"] = task("completed")
        #expect(watch.step(.message(.object(answer))) == [.ended])
    }

    @Test("a hole in the events is said")
    func gap() {
        var watch = TaskWatch(taskID: "t")
        _ = watch.step(.message(subscribed("5.0", recovered: false)))
        #expect(watch.step(.message(subscribed("9.0", recovered: false))) == [.gap, .readTask])
        #expect(watch.step(.message(subscribed("9.0", recovered: true))) == [.readTask])
    }

    @Test("the last event is the end", arguments: ["task_completed", "task_failed", "task_cancelled"])
    func end(name: String) {
        var watch = TaskWatch(taskID: "t")
        #expect(watch.step(.message(event("7.0", name))) == [.show(event("7.0", name)), .ended])
    }

    @Test("a task that has ended is waited for its last event, and not for ever")
    func endWithoutEvent() {
        var watch = TaskWatch(taskID: "t")
        _ = watch.step(.connected)
        #expect(watch.step(.task(task("completed"))) == [])
        #expect(watch.step(.tick) == [])
        #expect(watch.step(.tick) == [.ended])
    }

    @Test("without a connection the task is read every second")
    func polls() {
        var watch = TaskWatch(taskID: "t")
        #expect(watch.step(.tick) == [.readTask])
        #expect(watch.step(.task(nil)) == [])
        #expect(watch.step(.tick) == [.readTask])
        #expect(watch.step(.task(task("executing"))) == [])
        #expect(watch.step(.tick) == [.readTask])
    }

    @Test("a connection that says nothing is asked, then left")
    func silence() {
        var watch = TaskWatch(taskID: "t")
        _ = watch.step(.connected)
        var outputs: [[TaskWatch.Output]] = []
        for _ in 1...10 { outputs.append(watch.step(.tick)) }
        #expect(outputs[4] == [.send(.object(["type": .string("ping")]))])
        #expect(outputs.last?.contains(.disconnect) == true)
        #expect(outputs.dropLast().allSatisfy { !$0.contains(.disconnect) })
        _ = watch.step(.message(.object(["type": .string("pong")])))
        #expect(watch.step(.tick) == [] || watch.step(.tick).contains(.readTask))
    }
}
