import Raft

/// ExecuteTask: runs a task that was held back, or a terminal one again, also one that has left the state.
extension ClusterState {
    mutating func apply(_ command: ExecuteTask) -> Outcome {
        let idempotency: IdempotencySlot?
        switch lookUp(command.hasIdempotency ? command.idempotency : nil) {
        case .answered(let outcome): return outcome
        case .fresh(let slot): idempotency = slot
        }
        guard let key = TaskKey(tenant: entry.tenant, id: command.taskID) else { return .rejected(.unknownTask) }
        guard isBounded(command.evidence) else { return .rejected(.invalid(field: "evidence")) }
        var record: TaskRecord
        let spec: TaskSpec
        let isLive = tables.tasks[key] != nil
        if let live = tables.tasks[key] {
            (record, spec) = (live, self.spec(of: key))
        } else {
            switch revival(of: key, by: command) {
            case .possible(let archived, let archivedSpec): (record, spec) = (archived, archivedSpec)
            case .refused(let rejection): return .rejected(rejection)
            }
        }
        guard command.requestedBy.utf8.count <= limits.principalBytes else {
            return .rejected(.invalid(field: "requested_by"))
        }
        let isHeld = record.status == .pending && record.held
        guard isHeld || (record.status.isTerminal && record.attempt < .max) else {
            return .rejected(.wrongState(record.status))
        }
        let dependencies = examineDependencies(of: spec, tenant: key.tenant, evidence: command.evidence)
        if case .refused(let rejection) = dependencies { return .rejected(rejection) }
        let needed = reservation(for: spec) + (isLive ? 0 : entry.bodyBytes + Indexes.taskOverheadBytes)
        if let rejection = admissionRejection(reserving: needed) { return .rejected(rejection) }
        if let rejection = makeRoom(for: idempotency) { return .rejected(rejection) }
        if !isLive { revive(key, &record, spec) }
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
        if let row = tables.results.remove(key, &entry.changes) {
            precondition(record.storedBytes >= UInt64(row.byteCount), "stored bytes are the sum of the task's rows")
            record.storedBytes -= UInt64(row.byteCount)
        }
    }
}
