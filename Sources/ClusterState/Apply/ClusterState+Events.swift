import FoundationEssentials
import Raft

/// Events come from apply, so every node has the same ones at the same offsets (`design/state.md` 23).
extension ClusterState {
    /// An event about a task; what every kind has in common.
    private func event(_ kind: EventKind, _ key: TaskKey, _ record: TaskRecord, _ spec: TaskSpec) -> EventRecord {
        var event = EventRecord()
        event.kind = kind
        event.occurredWall = entry.wallTime
        event.tenant = key.tenant
        event.taskID = key.id
        event.revision = currentRevision.rawValue
        event.createdBy = spec.createdBy
        event.attempt = record.attempt
        event.nodeID = record.nodeID
        if spec.hasTrace { event.trace = spec.trace }
        return event
    }

    private mutating func append(_ record: EventRecord, result: Payload? = nil) {
        let offset = EventOffset(index: position.index, ordinal: UInt32(entry.events.count))
        indexes.eventAdded(byteCount: tables.events.put(record, at: offset, &entry.changes))
        entry.events.append(Event(offset: offset, record: record, result: result))
    }

    mutating func emit(_ kind: EventKind, _ key: TaskKey, _ record: TaskRecord, _ spec: TaskSpec) {
        append(event(kind, key, record, spec))
    }

    mutating func emitCreated(_ key: TaskKey, _ record: TaskRecord, _ spec: TaskSpec) {
        var event = event(.taskCreated, key, record, spec)
        event.title = spec.title
        event.taskType = spec.taskType
        event.priority = record.priority
        append(event)
    }

    mutating func emitStep(
        _ kind: EventKind, _ key: TaskKey, _ record: TaskRecord, _ spec: TaskSpec, ordinal: UInt32, _ step: StepRecord
    ) {
        precondition(ordinal < spec.steps.count, "an event is about a step of the plan")
        var event = event(kind, key, record, spec)
        event.stepNumber = ordinal + 1
        event.stepID = spec.steps[Int(ordinal)].id
        event.agent = spec.steps[Int(ordinal)].agent
        event.summary = step.summary
        event.durationMilliseconds = step.durationMilliseconds
        if step.hasFailure { event.failure = step.failure }
        if step.hasQualityPpm { event.qualityPpm = step.qualityPpm }
        let result = note(step.hasResult ? step.result : nil, in: &event)
        append(event, result: result)
    }

    mutating func emitTerminal(_ key: TaskKey, _ record: TaskRecord, result: Payload?) {
        let kind: EventKind
        switch record.status {
        case .completed: kind = .taskCompleted
        case .failed: kind = .taskFailed
        case .cancelled: kind = .taskCancelled
        case .pending, .assigned, .executing, .waitingApproval, .cancelling:
            preconditionFailure("a task that is \(record.status.name) has not ended")
        }
        var event = event(kind, key, record, spec(of: key))
        event.summary = record.summary
        event.durationMilliseconds = record.durationMilliseconds
        if record.hasFailure { event.failure = record.failure }
        if record.hasQualityPpm { event.qualityPpm = record.qualityPpm }
        let noted = note(result, in: &event)
        append(event, result: noted)
    }

    mutating func emitMemberChanged(_ node: NodeID, _ record: NodeRecord) {
        var event = EventRecord()
        event.kind = .memberChanged
        event.occurredWall = entry.wallTime
        event.revision = currentRevision.rawValue
        event.nodeID = node.rawValue
        event.nodeName = record.name
        event.nodeStatusCode = record.statusCode
        append(event)
    }

    /// Names the result by digest.
    private func note(_ result: Payload?, in event: inout EventRecord) -> Payload? {
        guard let result, !result.isEmpty else { return nil }
        event.resultSha256 = result.sha256
        event.resultLength = result.length
        return result
    }

    /// Keeps the window that clients can resume from within its bounds.
    mutating func trimEvents() {
        let settings = settings
        while UInt64(tables.events.count) > settings.eventWindowCount || indexes.eventBytes > settings.eventWindowBytes
        {
            guard entry.forgottenLeft > 0, let oldest = tables.events.rows.first?.key else { return }
            entry.forgottenLeft -= 1
            guard let row = tables.events.remove(oldest, &entry.changes) else { return }
            indexes.eventRemoved(byteCount: row.byteCount)
            precondition(position.windowFloor < oldest || position.windowFloor == .zero, "the window moves forward")
            position.windowFloor = oldest
        }
    }
}
