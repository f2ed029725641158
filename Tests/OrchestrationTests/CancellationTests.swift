import Agents
import ClusterState
import Egress
import Foundation
import LoopbackServer
import Orchestration
import Providers
import Raft
import SwiftProtobuf
import Synchronization
import Testing

@Suite("Cancellation", .serialized)
struct CancellationTests {
    private func cancel(_ key: TaskKey, _ nodes: Nodes) async throws -> Outcome {
        try await nodes.members[0].cluster.propose(
            .cancelTask(
                .with {
                    $0.taskID = key.id
                    $0.requestedBy = "tester"
                    $0.reason = "no longer wanted"
                }))
    }

    @Test("a running task is cancelling, then cancelled, and its step is stopped")
    func running() async throws {
        var options = Nodes.Options()
        options.settings.cancelTimeoutMilliseconds = 60_000
        try await Nodes.run(1, options: options) { nodes in
            nodes.script.hold("endless")
            let key = try await nodes.submit([("endless", []), ("next", [0])])
            try await eventually("it runs") { nodes.script.isRunning("endless") }
            let statuses = Mutex<[TaskStatus]>([])
            let token = nodes.members[0].cluster.observe { batch in
                guard batch.applied.contains(where: { $0.changedTasks.contains(key) }),
                    let status = batch.state.task(key)?.status
                else { return }
                statuses.withLock { if $0.last != status { $0.append(status) } }
            }
            guard case .task = try await cancel(key, nodes) else {
                Issue.record("not taken")
                return
            }
            let task = try await nodes.end(of: key)
            // Observers hear of a batch after readers may see it.
            try await eventually("the end is seen") { statuses.withLock { $0.last } == .cancelled }
            nodes.members[0].cluster.remove(token)
            #expect(task.status == .cancelled)
            #expect(task.record.cancelledBy == "tester")
            #expect(statuses.withLock { $0 } == [.cancelling, .cancelled])
            #expect(nodes.script.runs.map(\.end) == [.cancelled])
            #expect(nodes.members[0].cluster.state.totals.timersFired == 0, "by the executor's word, not by time")
        }
    }

    @Test("a task that nobody has begun is cancelled at once")
    func pending() async throws {
        var options = Nodes.Options()
        options.slots = 1
        try await Nodes.run(1, options: options) { nodes in
            nodes.script.hold("first")
            let first = try await nodes.submit([("first", [])])
            let key = try await nodes.submit([("never", [])])
            _ = try await cancel(key, nodes)
            #expect(nodes.members[0].cluster.state.task(key)?.status == .cancelled)
            nodes.script.release("first")
            try await nodes.end(of: first)
            #expect(nodes.script.runs(of: "never").isEmpty)
        }
    }

    @Test("a result that commits first wins, and a task that has ended is not cancelled any more")
    func resultWins() async throws {
        try await Nodes.run(1) { nodes in
            nodes.script.hold("stubborn")
            nodes.script.makeStubborn("stubborn")
            let key = try await nodes.submit([("stubborn", [])])
            try await eventually("it runs") { nodes.script.isRunning("stubborn") }
            _ = try await cancel(key, nodes)
            let cluster = nodes.members[0].cluster
            #expect(cluster.state.task(key)?.status == .cancelling)
            let epoch = try #require(cluster.state.task(key)).record.epoch
            let result = try await cluster.propose(
                .stepCompleted(
                    .with {
                        $0.taskID = key.id
                        $0.epoch = epoch
                        $0.outcomeCode = .completed
                        $0.finish = .with { $0.outcomeCode = .completed }
                    }))
            guard case .task = result else {
                Issue.record("refused: \(result)")
                return
            }
            #expect(cluster.state.task(key)?.status == .completed)
            #expect(try await cancel(key, nodes) == .rejected(.wrongState(.completed)))
            nodes.script.release("stubborn")
            try await eventually("the run is over") { nodes.members[0].executor.runningCount == 0 }
            #expect(cluster.state.task(key)?.status == .completed)
        }
    }

    @Test("an executor that does not answer is not waited for: time makes the task cancelled")
    func stubborn() async throws {
        var options = Nodes.Options()
        options.settings.cancelTimeoutMilliseconds = 200
        try await Nodes.run(1, options: options) { nodes in
            nodes.script.hold("stubborn")
            nodes.script.makeStubborn("stubborn")
            let key = try await nodes.submit([("stubborn", [])])
            try await eventually("it runs") { nodes.script.isRunning("stubborn") }
            _ = try await cancel(key, nodes)
            #expect(try await nodes.end(of: key).status == .cancelled)
            #expect(nodes.script.isRunning("stubborn"))
            nodes.script.release("stubborn")
            try await eventually("the run is over") { nodes.members[0].executor.runningCount == 0 }
        }
    }

    @Test("the child process of a cancelled step is ended")
    func childProcess() async throws {
        var options = Nodes.Options()
        options.agentLimits.gitTime = .seconds(600)
        try await Nodes.run(1, options: options) { nodes in
            let folder = try nodes.makeEndlessHistory()
            let key = try await nodes.submit(.analysis(of: "endless"))
            try await eventually("git runs") { ChildProcesses.naming(folder).count == 1 }
            _ = try await cancel(key, nodes)
            #expect(try await nodes.end(of: key).status == .cancelled)
            try await eventually("git is gone") { ChildProcesses.naming(folder).count == 0 }
        }
    }

    @Test("the provider's connection of a cancelled step is closed")
    func providerCall() async throws {
        enum Moment { case asked, closed }
        let journal = Journal<Moment>()
        let server = try LoopbackServer { connection, _ in
            journal.add(.asked)
            if connection.waitForClose(seconds: 60) { journal.add(.closed) }
            return .close
        }
        defer { server.stop() }
        let settings = ProviderSettings(
            id: "p", tier: 1, dialect: Dialect.openAIChat.rawValue, baseURL: server.url("/v1"), model: "m")
        let provider = try ProviderSettings.validated([settings]) { _ in Secret("sk-123") }[0]
        var policy = EgressPolicy()
        policy.operatorEndpoints = [provider.endpoint]
        let egress = EgressClient(policy: policy, logger: testLogger("egress"))
        var options = Nodes.Options()
        options.reasoner = ProviderReasoner(
            chain: ProviderChain([provider], client: egress, logger: testLogger("providers")))
        try await Nodes.run(1, options: options) { nodes in
            let key = try await nodes.submit([("asks", [])])
            try await eventually("the provider is asked") { journal.events == [.asked] }
            _ = try await cancel(key, nodes)
            #expect(try await nodes.end(of: key).status == .cancelled)
            try await eventually("the connection is closed") { journal.events == [.asked, .closed] }
        }
        await egress.shutdown()
    }
}
