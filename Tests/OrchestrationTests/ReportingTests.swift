import Agents
import ClusterState
import Foundation
import Raft
import RaftServer
import SwiftProtobuf
import Telemetry
import Testing

@testable import Orchestration

@Suite("What a run reports")
struct ReportingTests {
    @Test("goes to its end though the run was cancelled, unless the node gives up", arguments: [false, true])
    func cancelledRun(isStopping: Bool) async throws {
        try await Nodes.run(1) { nodes in
            let cluster = nodes.members[0].cluster
            let threads = ToolThreads()
            defer { threads.shutDown() }
            let run = TaskRun(
                key: try #require(TaskKey(tenant: "default", id: "any")), epoch: Epoch(1), cluster: cluster,
                runner: StepRunner(
                    catalog: .builtIn(), workspace: try Workspace(roots: [nodes.workspace.path]), threads: threads,
                    reasoner: nil),
                reporter: ProgressReporter(cluster: cluster),
                counters: ExecutionCounters(registry: MetricsRegistry()), logger: testLogger("run"),
                isStopping: { isStopping })
            let report = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await run.proposeToTheEnd(.timersDue(.init()))
            }
            let isCancelled = if case .failure(.cancelled) = await report.value { true } else { false }
            #expect(isCancelled == isStopping)
        }
    }
}
