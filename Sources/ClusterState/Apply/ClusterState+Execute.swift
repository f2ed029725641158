import Raft

/// ExecuteTask: runs a task that was held back, or a terminal one again.
extension ClusterState {
    mutating func apply(_ command: ExecuteTask) -> Outcome {
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
        let isHeld = record.status == .pending && record.held
        guard isHeld || (record.status.isTerminal && record.attempt < .max) else {
            return .rejected(.wrongState(record.status))
        }
        let spec = spec(of: key)
        let dependencies = examineDependencies(of: spec, tenant: key.tenant)
        if case .unknown(let id) = dependencies { return .rejected(.unknownDependency(id: id)) }
        if let rejection = admissionRejection(reserving: reservation(for: spec)) { return .rejected(rejection) }
        if let rejection = makeRoom(for: idempotency) { return .rejected(rejection) }
        if isHeld { record.held = false } else { beginAnew(&record, at: key) }
        touch(&record)
        startRun(&record, at: key, spec, dependencies)
        remember(idempotency, key, currentRevision)
        return .task(key, currentRevision)
    }

    /// A new run keeps identity, cost and history, and nothing of the last run's course. Step rows of earlier runs stay
    /// until PostgreSQL has them.
    private mutating func beginAnew(_ record: inout TaskRecord, at key: TaskKey) {
        precondition(record.status.isTerminal && record.reservedBytes == 0, "only what ended begins anew")
        record.status = .pending
        record.attempt += 1
        record.runAttempt = record.attempt
        record.nodeID = 0
        record.bootID = 0
        record.nodeDeaths = 0
        record.suspect = false
        record.stepsCompleted = 0
        record.startedWall = 0
        record.completedWall = 0
        record.durationMilliseconds = 0
        record.summary = ""
        record.cancelledBy = ""
        record.cancelReason = ""
        record.clearFailure()
        record.clearQualityPpm()
        record.clearSuccessPpm()
        record.storedBytes -= removeResult(key)
    }
}
