import Raft

/// Tasks are accepted (`design/state.md` 13): here, and only here and in ExecuteTask, can a full cluster refuse.
extension ClusterState {
    mutating func apply(_ command: SubmitTask) -> Outcome {
        let idempotency: IdempotencySlot?
        switch lookUp(command.hasIdempotency ? command.idempotency : nil) {
        case .answered(let outcome): return outcome
        case .fresh(let slot): idempotency = slot
        }
        guard let key = TaskKey(tenant: entry.tenant, id: command.taskID) else {
            return .rejected(.invalid(field: "task_id"))
        }
        if tables.tasks[key] != nil || tables.tombstones[key] != nil { return .rejected(.alreadyExists) }
        if let rejection = command.spec.rejection(limits) { return .rejected(rejection) }
        guard isBounded(command.evidence) else { return .rejected(.invalid(field: "evidence")) }
        let dependencies = examineDependencies(of: command.spec, tenant: key.tenant, evidence: command.evidence)
        if case .refused(let rejection) = dependencies { return .rejected(rejection) }
        let reservation = command.spec.autoExecute ? reservation(for: command.spec) : 0
        let needed = reservation + entry.bodyBytes + Indexes.taskOverheadBytes
        if let rejection = admissionRejection(reserving: needed) { return .rejected(rejection) }
        if let rejection = makeRoom(for: idempotency) { return .rejected(rejection) }
        let revision = accept(withTrace(command.spec), as: key, dependencies)
        remember(idempotency, key, revision)
        return .task(key, revision)
    }

    /// The trace that the envelope carries becomes the task's, unless the proposer named one.
    private func withTrace(_ spec: TaskSpec) -> TaskSpec {
        guard !spec.hasTrace, entry.trace != .none else { return spec }
        var spec = spec
        spec.trace.traceIDHigh = entry.trace.traceIDHigh
        spec.trace.traceIDLow = entry.trace.traceIDLow
        spec.trace.spanID = entry.trace.spanID
        spec.trace.flags = UInt32(entry.trace.flags)
        return spec
    }

    private mutating func accept(_ spec: TaskSpec, as key: TaskKey, _ dependencies: Dependencies) -> Revision {
        var record = TaskRecord()
        record.status = .pending
        record.held = !spec.autoExecute
        record.attempt = 1
        record.runAttempt = 1
        record.priority = spec.effectivePriority
        record.createdRevision = currentRevision.rawValue
        record.createdAt = position.now.microseconds
        record.createdWall = entry.wallTime
        record.storedBytes = UInt64(tables.specs.put(spec, at: key, &entry.changes))
        touch(&record)
        emitCreated(key, record, spec)
        startRun(&record, at: key, spec, dependencies)
        return currentRevision
    }

    /// Lets a pending task wait, fail with a dependency, or take its place in the queue.
    mutating func startRun(
        _ record: inout TaskRecord, at key: TaskKey, _ spec: TaskSpec, _ dependencies: Dependencies
    ) {
        precondition(record.status == .pending, "a run begins with a pending task")
        if !record.held {
            record.reservedBytes = reservation(for: spec)
            record.resultLimitBytes = resultLimit(for: spec)
            if spec.deadlineMilliseconds > 0 {
                record.deadlineAt = position.now.adding(milliseconds: spec.deadlineMilliseconds).microseconds
            }
        }
        switch dependencies {
        case .failed(let id):
            terminate(&record, at: key, as: .failed, failure: Failure(.dependencyFailed, subject: id))
        case .unmet(let ids):
            record.unmet = ids
            if record.isRunnable { makeRunnable(&record, at: key, principal: spec.createdBy) }
            putTask(record, at: key)
        case .refused:
            preconditionFailure("an unknown dependency is rejected before anything is written")
        }
    }

    // MARK: Dependencies

    enum Dependencies {
        /// Those that are not completed yet.
        case unmet([String])
        case failed(String)
        /// One is unknown, or what is said of it may be out of date.
        case refused(Rejection)
    }

    func examineDependencies(of spec: TaskSpec, tenant: String, evidence: [TaskEvidence]) -> Dependencies {
        var unmet: [String] = []
        var failed: String?
        for id in spec.dependsOn {
            guard let key = TaskKey(tenant: tenant, id: id) else { return .refused(.unknownDependency(id: id)) }
            let status: TaskStatus
            if let known = tables.tasks[key]?.status ?? tombstone(key)?.status {
                status = known
            } else {
                switch proof(of: key, in: evidence) {
                case .ended(let proven, _): status = proven
                case .stale: return .refused(.stale)
                case .none: return .refused(.unknownDependency(id: id))
                }
            }
            switch status {
            case .completed: continue
            case .failed, .cancelled: failed = failed ?? id
            case .pending, .assigned, .executing, .waitingApproval, .cancelling:
                if !unmet.contains(where: { Bytes.equal($0, id) }) { unmet.append(id) }
            }
        }
        return failed.map { .failed($0) } ?? .unmet(unmet)
    }

    // MARK: Admission

    func resultLimit(for spec: TaskSpec) -> UInt64 {
        let limit = settings.resultLimitBytes
        return spec.resultLimitBytes == 0 ? limit : min(limit, spec.resultLimitBytes)
    }

    /// The most that the task's results can take. A plan of one step has one result: the task's is that of the step.
    func reservation(for spec: TaskSpec) -> UInt64 {
        let results = spec.steps.count == 1 ? 1 : UInt64(spec.steps.count) + 1
        return resultLimit(for: spec) * results
    }

    /// What can neither be evicted nor refused counts: tasks that live or that PostgreSQL has not taken, and the results
    /// that live ones may still bring.
    func admissionRejection(reserving bytes: UInt64) -> Rejection? {
        let settings = settings
        let used = indexes.reservedBytes + indexes.pinnedBytes
        if used + bytes > settings.admissionLimitBytes || UInt64(indexes.outbox.count) >= settings.admissionLimitTasks {
            return .overloaded(retryAfterSeconds: limits.overloadRetrySeconds)
        }
        return nil
    }
}
