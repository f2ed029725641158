import Agents
import Foundation
import Glibc
import Testing

@testable import amas

@Suite("Following a task on real nodes")
struct FollowingTests {
    @Test("a watched task is seen to its end though the node it was watched on is killed, each event once")
    func survivesItsNode() async throws {
        let nodes = try await TestNodes(3)
        let processes = Dictionary(uniqueKeysWithValues: try (1...3).map { ($0, try nodes.serve($0)) })
        try await nodes.waitUntilReady(processes)
        let created = try await nodes.post(
            2, "/api/v1/tasks",
            "{\"title\":\"t\",\"task_type\":\"code_analysis\",\"target\":\".\",\"auto_execute\":false}")
        try #require(created.status == 201)
        let id = try #require(JSONValue.decoding(created.body)?["task_id"]?.stringValue)
        let watch = try BinaryProcess(
            ["task", "watch", id, "-o", "json", "--timeout", "120"], environment: nodes.environment())
        #expect(
            await TestNodes.eventually { try await nodes.get(1, "/metrics").body.contains("amas_ws_subscriptions 1\n") }
        )
        processes[1]?.signal(SIGKILL)
        #expect(
            await TestNodes.eventually {
                for id in 2...3 where try await nodes.get(id, "/metrics").body.contains("amas_ws_subscriptions 1\n") {
                    return true
                }
                return false
            })
        #expect(
            await TestNodes.eventually { try await nodes.post(2, "/api/v1/tasks/\(id)/execute", "{}").status == 202 })
        #expect(await watch.wait() == 0, "\(watch.error)")
        let lines = watch.output.split(separator: "\n").compactMap { JSONValue.decoding(String($0)) }
        let events = lines.filter { $0["type"]?.stringValue == "event" }
        let names = events.compactMap { $0["event"]?.stringValue }
        #expect(names.contains("task_execution_started"))
        #expect(names.filter { $0 == "agent_completed" }.count == 1)
        #expect(names.last == "task_completed")
        let offsets = events.compactMap { $0["offset"]?.stringValue }
        #expect(Set(offsets).count == offsets.count && offsets.count == events.count)
        #expect(lines.last?["status"]?.stringValue == "completed")
    }

    @Test("submit --wait prints the task alone on the standard output, and what happened beside it")
    func submitAndWait() async throws {
        let nodes = try await TestNodes(1)
        let process = try nodes.serve(1)
        try await nodes.waitUntilReady([1: process])
        let outcome = try await nodes.client(
            "task", "submit", "--type", "code_analysis", "--target", ".", "--wait", "-o", "json")
        #expect(outcome.code == 0, "\(outcome.error)")
        #expect(JSONValue.decoding(outcome.output)?["status"]?.stringValue == "completed")
        let id = try #require(JSONValue.decoding(outcome.output)?["task_id"]?.stringValue)
        let again = try await nodes.client("task", "watch", id)
        #expect(again.code == 0)
        let unknown = try await nodes.client("task", "watch", "nobody")
        #expect(unknown.code == 1)
    }

    @Test("a task that does not end in time is exit code 5, one that was cancelled 1")
    func codes() async throws {
        let nodes = try await TestNodes(1)
        let process = try nodes.serve(1)
        try await nodes.waitUntilReady([1: process])
        let created = try await nodes.post(
            1, "/api/v1/tasks",
            "{\"title\":\"t\",\"task_type\":\"code_analysis\",\"target\":\".\",\"auto_execute\":false}")
        let id = try #require(JSONValue.decoding(created.body)?["task_id"]?.stringValue)
        #expect(try await nodes.client("task", "watch", id, "--timeout", "1").code == 5)
        #expect(try await nodes.client("task", "cancel", id).code == 0)
        #expect(try await nodes.client("task", "watch", id).code == 1)
    }
}

extension JSONValue {
    static func decoding(_ text: String) -> JSONValue? { try? AgentJSON.decode(JSONValue.self, from: Array(text.utf8)) }
}
