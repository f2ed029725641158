import ClusterState
import Orchestration
import HTTPTypes
import Storage
import SwiftProtobuf
import Telemetry

extension Handlers {
    /// `POST /api/v1/tasks`: answered after a quorum has the task on disk and this node has applied it.
    func submitTask(_ call: Call) async throws(Problem) -> Answer {
        let wait = try call.wait(limits: limits)
        let idempotency = try idempotency(call)
        var spec = try TaskDraft.read(call.body, catalog: catalog, workspace: workspace, limits: limits)
        spec.createdBy = call.caller.name
        spec.trace = TraceContext(call.trace)
        var submission = SubmitTask()
        var random = SystemRandomNumberGenerator()
        submission.taskID = TaskID.make(at: clock(), using: &random)
        submission.spec = spec
        if let idempotency { submission.idempotency = idempotency }
        let accepted = try await propose(Provable(.submit(submission)), call)
        var state = cluster.state
        var isWaitApplied = false
        if let wait { (state, isWaitApplied) = await waitUntilTerminal(accepted.key, seconds: wait) }
        let document = try await document(accepted.key, state, isStrong: true)
        var answer = answer(document, state, status: 201)
        answer.headers[.location] = "/api/v1/tasks/\(accepted.key.id)"
        if accepted.isReplayed { answer.headers[.idempotencyReplayed] = "true" }
        if let wait, isWaitApplied { answer.headers[.preferenceApplied] = "wait=\(wait)" }
        return answer
    }
}

extension RecordedTrace {
    init(_ trace: Telemetry.TraceContext) {
        self.init()
        traceIDHigh = trace.traceID.high
        traceIDLow = trace.traceID.low
        spanID = trace.spanID.rawValue
        flags = UInt32(trace.flags.rawValue)
    }
}
