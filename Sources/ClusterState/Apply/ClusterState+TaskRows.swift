import Raft

/// The one way to change a task: its row, the indexes over it, and who is told.
extension ClusterState {
    mutating func putTask(_ record: TaskRecord, at key: TaskKey) {
        precondition(record.reservedBytes == 0 || !record.status.isTerminal, "a task that ended holds no reservation")
        precondition(record.status.isOnNode == (record.nodeID != 0) || record.status.isTerminal)
        let old = tables.tasks[key]
        indexes.taskChanged(key, from: old, to: record)
        tables.tasks.put(record, at: key, &entry.changes)
        if old?.revision != record.revision { entry.changedTasks.append(key) }
    }

    /// Marks a change that the world sees: the task goes into the outbox under a new revision.
    func touch(_ record: inout TaskRecord) {
        record.revision = currentRevision.rawValue
        record.updatedWall = entry.wallTime
        record.evictAt = 0
    }

    func spec(of key: TaskKey) -> TaskSpec {
        guard let spec = tables.specs[key] else { preconditionFailure("each task has a spec") }
        return spec
    }

    /// The rows of every attempt at every step, in the order of steps, then attempts.
    func stepRows(of key: TaskKey) -> some Sequence<(key: StepKey, value: Row<StepRecord>)> {
        tables.steps.rows.from(StepKey(task: key, step: 0, attempt: 0)).lazy.prefix { $0.key.task == key }
    }

    /// The newest row of a step in the task's current run.
    func currentStep(_ step: UInt32, of key: TaskKey, _ record: TaskRecord) -> (key: StepKey, step: StepRecord)? {
        var newest: (key: StepKey, step: StepRecord)?
        for row in tables.steps.rows.from(StepKey(task: key, step: step, attempt: record.runAttempt)) {
            guard row.key.task == key, row.key.step == step else { break }
            newest = (row.key, row.value.record)
        }
        return newest
    }

    /// A run that ends or loses its node leaves no step running.
    mutating func interruptSteps(of key: TaskKey, _ record: inout TaskRecord) {
        let running = stepRows(of: key).filter { $0.value.record.status == .running }
        for row in running {
            var step = row.value.record
            step.status = .interrupted
            step.completedWall = entry.wallTime
            putStep(step, at: row.key, of: &record)
        }
    }

    /// Ends a task. What a result brings (summary, quality, its row) the caller has written.
    mutating func terminate(
        _ record: inout TaskRecord, at key: TaskKey, as status: TaskStatus, failure: Failure? = nil,
        result: Payload? = nil
    ) {
        precondition(status.isTerminal && !record.status.isTerminal, "a task ends once in a run")
        interruptSteps(of: key, &record)
        removeUploads(of: key)
        record.status = status
        record.held = false
        record.unmet = []
        record.deadlineAt = 0
        record.cancelAt = 0
        record.reservedBytes = 0
        record.completedWall = entry.wallTime
        // Whoever finishes a task says how long it took; whoever ends it otherwise does not know.
        if record.durationMilliseconds == 0, record.startedWall != 0, record.startedWall < entry.wallTime {
            record.durationMilliseconds = (entry.wallTime - record.startedWall) / 1_000
        }
        if let failure { record.failure = failure } else { record.clearFailure() }
        touch(&record)
        putTask(record, at: key)
        emitTerminal(key, record, result: result)
        if indexes.dependents.first(from: DependentKey(dependency: key, dependent: nil))?.dependency == key {
            var work = WorkRecord()
            work.statusCode = record.statusCode
            addWork(.settle(key), work)
        }
    }

    /// Tells the executor that it has lost the task. Before the record forgets who has it.
    mutating func announceRelease(of key: TaskKey, _ record: TaskRecord) {
        precondition(record.status.isOnNode, "only what a node has can be taken from it")
        entry.assignments.append(.released(key, Assignment(record)))
    }
}
