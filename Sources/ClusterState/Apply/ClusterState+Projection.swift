import FoundationEssentials
import Raft

/// What PostgreSQL has and has not (`design/state.md` 22).
extension ClusterState {
    mutating func apply(_ command: Persisted) -> Outcome {
        guard command.generation == UInt32(generation) else { return .rejected(.stale) }
        guard command.tasks.count <= limits.persistedTasksPerCommand else { return .rejected(.invalid(field: "tasks")) }
        guard Revision(rawValue: command.throughRevision) <= currentRevision else {
            return .rejected(.invalid(field: "through_revision"))
        }
        var removed: UInt64 = 0
        for item in command.tasks where markPersisted(item) { removed += 1 }
        if command.throughRevision > projectedThrough.rawValue {
            changeCluster { $0.projectedThrough = command.throughRevision }
        }
        return .done(count: removed)
    }

    /// True if the task has left the outbox.
    private mutating func markPersisted(_ item: PersistedTask) -> Bool {
        guard let key = TaskKey(tenant: item.tenant, id: item.taskID), var record = tables.tasks[key],
            item.revision > record.persistedRevision, item.revision <= record.revision
        else { return false }
        record.persistedRevision = item.revision
        if record.isProjected {
            forgetSupersededSteps(of: key, &record)
            if record.status.isTerminal {
                record.evictAt = position.now.adding(milliseconds: settings.evictionGraceMilliseconds).microseconds
            }
        }
        putTask(record, at: key)
        return record.isProjected
    }

    /// Steps of earlier runs, and attempts that a later one replaced, were kept only for PostgreSQL's history.
    private mutating func forgetSupersededSteps(of key: TaskKey, _ record: inout TaskRecord) {
        var superseded: [StepKey] = []
        var last: StepKey?
        for row in stepRows(of: key) {
            if let last, last.step == row.key.step { superseded.append(last) }
            last = row.key.attempt < record.runAttempt ? nil : row.key
            if last == nil { superseded.append(row.key) }
        }
        for step in superseded {
            record.storedBytes -= removeStep(step)
        }
    }

    /// PostgreSQL lost its tail, as after an asynchronous failover: what is still here goes into the outbox again.
    mutating func apply(_ command: ProjectionRewound) -> Outcome {
        guard command.generation == UInt32(generation) else { return .rejected(.stale) }
        guard command.throughRevision < projectedThrough.rawValue else { return .done(count: 0) }
        changeCluster { $0.projectedThrough = command.throughRevision }
        var work = WorkRecord()
        work.throughRevision = command.throughRevision
        if let known = tables.work[WorkKey(.rewind)] {
            work.throughRevision = min(known.throughRevision, work.throughRevision)
        }
        addWork(.rewind, work)
        return .done(count: 1)
    }

    /// Walks over all tasks from where it stopped. True at the end.
    mutating func continueRewind(_ work: WorkRecord) -> Bool {
        var work = work
        var rowsLeft = limits.rewoundRowsPerEntry
        let rows: OrderedMap<TaskKey, Row<TaskRecord>>.Iterator
        if let start = TaskKey(bytes: ArraySlice(work.cursor)) {
            rows = tables.tasks.rows.from(start).makeIterator()
        } else {
            rows = tables.tasks.rows.makeIterator()
        }
        for (key, row) in IteratorSequence(rows) {
            guard rowsLeft > 0, entry.movesLeft > 0 else {
                work.cursor = Data(key.bytes)
                addWork(.rewind, work)
                return false
            }
            rowsLeft -= 1
            guard row.record.persistedRevision > work.throughRevision else { continue }
            entry.movesLeft -= 1
            var record = row.record
            record.persistedRevision = work.throughRevision
            record.evictAt = 0
            putTask(record, at: key)
        }
        return true
    }
}
