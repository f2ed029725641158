import Raft

/// Cancelling (`design/state.md` 19): at once where no node has the task, otherwise in two steps; a result that commits in
/// between wins.
extension ClusterState {
    mutating func apply(_ command: CancelTask) -> Outcome {
        let idempotency: IdempotencySlot?
        switch lookUp(command.hasIdempotency ? command.idempotency : nil) {
        case .answered(let outcome): return outcome
        case .fresh(let slot): idempotency = slot
        }
        guard let key = TaskKey(tenant: entry.tenant, id: command.taskID) else { return .rejected(.unknownTask) }
        guard var record = tables.tasks[key] else { return .rejected(absence(of: key)) }
        guard command.requestedBy.utf8.count <= limits.principalBytes else {
            return .rejected(.invalid(field: "requested_by"))
        }
        guard command.reason.utf8.count <= limits.messageBytes else { return .rejected(.invalid(field: "reason")) }
        let isDone: Bool
        switch record.status {
        case .completed, .failed: return .rejected(.wrongState(record.status))
        case .cancelling, .cancelled: isDone = true
        case .pending, .assigned, .executing, .waitingApproval: isDone = false
        }
        if let rejection = makeRoom(for: idempotency) { return .rejected(rejection) }
        if !isDone {
            record.cancelledBy = command.requestedBy
            record.cancelReason = command.reason
            cancel(&record, at: key)
        }
        remember(idempotency, key, Revision(rawValue: record.revision))
        return .task(key, Revision(rawValue: record.revision))
    }

    private mutating func cancel(_ record: inout TaskRecord, at key: TaskKey) {
        guard record.status.isOnNode else {
            terminate(&record, at: key, as: .cancelled)
            return
        }
        record.status = .cancelling
        record.cancelAt = position.now.adding(milliseconds: settings.cancelTimeoutMilliseconds).microseconds
        touch(&record)
        putTask(record, at: key)
        entry.assignments.append(.cancelRequested(key, Assignment(record)))
    }

    mutating func apply(_ command: CancelAcknowledged) -> Outcome {
        switch claim(command.taskID, epoch: command.epoch) {
        case .refused(let outcome): return outcome
        case .valid(let key, var record, _):
            guard record.status == .cancelling else { return .rejected(.wrongState(record.status)) }
            terminate(&record, at: key, as: .cancelled)
            return .task(key, currentRevision)
        }
    }
}
