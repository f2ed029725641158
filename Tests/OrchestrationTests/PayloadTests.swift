import Agents
import ClusterState
import Foundation
import Raft
import RaftServer
import SwiftProtobuf
import Testing

@testable import Orchestration

/// Parameters and results that lie beside the state.
@Suite("Payloads", .serialized)
struct PayloadTests {
    /// A name that does not compress below what a row holds, for a step that says its name in its result.
    private static func longName(_ number: Int) -> String {
        (0..<1_000).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined() + "-\(number)"
    }

    private static var options: Nodes.Options {
        var options = Nodes.Options()
        options.serverLimits.snapshotAfterEntries = 40
        options.serverLimits.retainedEntries = 10
        options.serverLimits.snapshotChunkBytes = 3_000
        return options
    }

    /// Waits to be executed; and the name of its step is too long for an id.
    private static func hold(_ spec: inout TaskSpec) {
        spec.autoExecute = false
        spec.steps[0].id = "first"
    }

    private func parameters(of key: TaskKey, at member: Member) async throws -> [UInt8] {
        let state = member.cluster.state
        let payload = try #require(state.task(key)?.spec.steps.first).parameters
        return try await state.reading { state in
            Result { () throws(PayloadError) in try state.content(of: payload) }
        }.get()
    }

    /// A new cluster learns only by and by what all its members can do.
    private func haveRisen(_ nodes: Nodes) async throws {
        try await eventually("the cluster keeps payloads beside the state") {
            nodes.members.allSatisfy { $0.cluster.state.machineVersion >= ClusterState.payloadsBesideSince }
        }
    }

    /// Entries that nobody needs, until the log no longer holds what came before them.
    private func pushOut(_ nodes: Nodes, at member: Member, beyond index: LogIndex) async throws {
        while (member.cluster.status?.server.firstIndex ?? .zero) <= index {
            _ = try await nodes.submit([("idle", [])], at: member) { $0.autoExecute = false }
        }
    }

    @Test("large parameters reach a node that was away, outlive every restart, and reach the agent whole")
    func parametersEverywhere() async throws {
        try await Nodes.run(3, options: Self.options) { nodes in
            try await haveRisen(nodes)
            let name = Self.longName(1)
            let away = try await nodes.follower()
            let witness = nodes.others(than: away)[0]
            let key = try await nodes.submit([(name, [])], at: witness) { Self.hold(&$0) }
            let expected = Array("{\"name\":\"\(name)\"}".utf8)
            #expect(witness.cluster.state.payloadCount == 1)
            // It has nothing of it.
            try await nodes.kill(away)
            let second = Self.longName(2)
            let later = try await nodes.submit([(second, [])], at: witness) { Self.hold(&$0) }
            let leader = try await nodes.leader(among: nodes.others(than: away))
            try await pushOut(nodes, at: leader, beyond: leader.cluster.state.index)
            try await nodes.start(away)
            try await eventually("the node has caught up") { away.cluster.state.task(later) != nil }
            #expect(try await parameters(of: later, at: away) == Array("{\"name\":\"\(second)\"}".utf8))
            for member in nodes.members {
                try await nodes.kill(member)
                try await nodes.start(member)
                try await eventually("the node has caught up") { member.cluster.state.task(later) != nil }
                #expect(try await parameters(of: key, at: member) == expected)
            }
            _ = try await witness.cluster.propose(.executeTask(.with { $0.taskID = key.id }))
            #expect(try await nodes.end(of: key, at: witness).status == .completed)
            #expect(nodes.script.runs(of: name).last?.end == .done, "the agent has got all of it")
        }
    }

    /// Says more than a command can carry.
    private struct Speak: Tool {
        let name: ToolName = "speak"
        let summary = "speaks"
        let inputSchema: JSONValue = ["type": "object"]

        func run(_ arguments: JSONValue, in context: ToolContext) async throws -> Evidence {
            let words = (0..<120_000).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }
            return Evidence(tool: name, headline: words.joined(), coverage: Coverage(examined: 1, seen: 1))
        }
    }

    @Test("a result that is larger than a command arrives whole, on every node")
    func largerThanACommand() async throws {
        var options = Self.options
        options.settings.resultLimitBytes = 4 << 20
        options.agentLimits.resultBytes = 4 << 20
        options.agentLimits.reportBytes = 4 << 20
        options.agents = [
            AgentDeclaration(
                id: "speaker", name: "Speaker", description: "says much", taskTypes: ["spoken"], tools: [Speak()],
                prompt: "", target: .unused, parameters: [], needsOneOf: [])
        ]
        try await Nodes.run(3, options: options) { nodes in
            try await haveRisen(nodes)
            let key = try await nodes.submit([("speech", [])]) {
                $0.steps[0].agent = "speaker"
                $0.steps[0].clearParameters()
            }
            let task = try await nodes.end(of: key)
            #expect(task.status == .completed, "\(task.record.failure)")
            for member in nodes.members {
                try await nodes.end(of: key, at: member)
                let state = member.cluster.state
                let result = try #require(state.result(of: key))
                #expect(result.length > 1_200_000, "it is larger than a command")
                let bytes = try await state.reading { state in
                    Result { () throws(PayloadError) in try state.content(of: result) }
                }.get()
                #expect(bytes.count == Int(result.length))
            }
        }
    }

    @Test("a task goes on after a large result of its earlier step, on another node and after a snapshot")
    func resultsOfEarlierSteps() async throws {
        try await Nodes.run(3, options: Self.options) { nodes in
            try await haveRisen(nodes)
            let name = Self.longName(1)
            nodes.script.hold("second")
            let key = try await nodes.submit([(name, []), ("second", [0])]) { $0.steps[0].id = "first" }
            try await eventually("the second step runs") { nodes.script.isRunning("second") }
            let victim = try nodes.member(#require(nodes.members[0].cluster.state.task(key)?.assignment).node)
            let witness = nodes.others(than: victim)[0]
            try await nodes.kill(victim)
            let leader = try await nodes.leader(among: nodes.others(than: victim))
            try await pushOut(nodes, at: leader, beyond: leader.cluster.state.index)
            nodes.script.release("second")
            #expect(try await nodes.end(of: key, at: witness).status == .completed)
            #expect(nodes.script.runs(of: name).count == 1, "a checkpoint is not run again")
            let state = witness.cluster.state
            let result = try #require(state.steps(of: key)[0].record?.result)
            let bytes = try await state.reading { state in
                Result { () throws(PayloadError) in try state.content(of: result) }
            }.get()
            #expect(
                bytes.count == Int(result.length) && state.payloadCount == 2,
                "parameters and result lie beside the state")
        }
    }
}
