import ClusterState
import HTTPTypes
import Orchestration
import Storage
import Telemetry

extension Handlers {
    /// `GET /api/v1/tasks/{task_id}/progress`
    func readProgress(_ call: Call) async throws(Problem) -> Answer {
        let key = try key(call)
        let state = try await state(for: call)
        let document = try await document(key, state, isStrong: try call.consistency() == .strong)
        let steps = state.steps(of: key)
        let tick = document.status.isTerminal ? nil : progress.latest(key)
        let percent = percent(document, state.task(key), tick)
        let elapsed = elapsedMilliseconds(document)
        var answer = Answer.json { json in
            json.field("task_id", key.id)
            json.field("status", document.status.name)
            json.field("progress", percent)
            json.field("current_step", tick?.step ?? steps.first { $0.status == .running }?.plan.id)
            json.name("steps")
            json.array(of: steps) { $1.write(to: &$0) }
            json.field("elapsed_seconds", decimal: elapsed, digits: 3)
            json.field("estimated_remaining_seconds", decimal: remaining(document, percent, elapsed), digits: 3)
            json.field("node", document.execution.node)
            json.field("attempt", document.execution.attempt)
        }
        answer.headers[.amasIndex] = state.revision.position
        return answer
    }

    /// What every node agrees on, or the finer figure of the executor if that is further.
    private func percent(_ document: StoredTask, _ view: TaskView?, _ tick: ProgressBoard.Tick?) -> Int {
        if document.status == .completed { return 100 }
        return min(99, max(view?.progressPercent ?? 0, tick?.percent ?? 0))
    }

    private func elapsedMilliseconds(_ document: StoredTask) -> UInt64? {
        if let duration = document.durationMilliseconds, document.status.isTerminal { return duration }
        guard let start = document.startedAt else { return nil }
        let end = document.completedAt ?? clock()
        return UInt64(max(0, end.microsecondsSince1970 - start.microsecondsSince1970) / 1000)
    }

    /// As if the rest went as fast as the part that is done; nil where that says nothing.
    private func remaining(_ document: StoredTask, _ percent: Int, _ elapsed: UInt64?) -> UInt64? {
        if document.status.isTerminal { return 0 }
        guard let elapsed, percent >= 5 else { return nil }
        return elapsed * UInt64(100 - percent) / UInt64(percent)
    }
}

extension StepView {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("id", plan.id)
            json.field("agent", plan.agent)
            json.field("status", status?.name ?? "pending")
            json.field("attempt", attempt)
            json.field(
                "started_at", record.flatMap { $0.startedWall == 0 ? nil : WallTime(unsigned: $0.startedWall) }?.rfc3339
            )
            json.field(
                "completed_at",
                record.flatMap { $0.completedWall == 0 ? nil : WallTime(unsigned: $0.completedWall) }?.rfc3339)
        }
    }
}
