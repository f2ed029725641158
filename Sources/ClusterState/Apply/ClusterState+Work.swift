import Raft

/// What one entry begins and its bounds do not let it end. Every command takes up where the last one stopped, and while
/// something is left `nextTimer` is due, so that a quiet cluster goes on too.
extension ClusterState {
    mutating func addWork(_ subject: WorkKey.Subject, _ record: WorkRecord) {
        tables.work.put(record, at: WorkKey(subject), &entry.changes)
        if case .release(let boot) = subject { indexes.releaseChanged(boot, isPending: true) }
    }

    mutating func continueWork() {
        while let (key, row) = tables.work.rows.first {
            guard progress(key.subject, row.record) else { break }
            tables.work.remove(key, &entry.changes)
            if case .release(let boot) = key.subject { indexes.releaseChanged(boot, isPending: false) }
        }
        guard isCreated else { return }
        evictUnderPressure()
        assignQueued()
    }

    /// True when it is done.
    private mutating func progress(_ subject: WorkKey.Subject, _ record: WorkRecord) -> Bool {
        switch subject {
        case .release(let boot): continueRelease(of: boot, record)
        case .settle(let task): settleDependents(of: task, record)
        case .forget(let session): forgetOutcomes(of: session, below: .max)
        case .rewind: continueRewind(record)
        }
    }

    /// Whether an entry would do something although no timer is due.
    var hasWork: Bool {
        if !tables.work.isEmpty { return true }
        if !indexes.queue.isEmpty && indexes.roomiestNode != nil { return true }
        return indexes.retainedBytes > settings.retainedLimitBytes && !indexes.timers.evictions.isEmpty
    }

    /// Tells those that wait for a task how it ended.
    private mutating func settleDependents(of task: TaskKey, _ work: WorkRecord) -> Bool {
        while let next = indexes.dependents.first(from: DependentKey(dependency: task, dependent: nil)),
            next.dependency == task, let dependent = next.dependent
        {
            guard entry.movesLeft > 0 else { return false }
            entry.movesLeft -= 1
            guard var record = tables.tasks[dependent] else { preconditionFailure("the index names live tasks") }
            precondition(record.status == .pending && !record.unmet.isEmpty, "only what waits is a dependent")
            guard work.statusCode == .completed else {
                terminate(
                    &record, at: dependent, as: .failed, failure: Failure(.dependencyFailed, subject: task.id))
                continue
            }
            record.unmet.removeAll { Bytes.equal($0, task.id) }
            if record.isRunnable { makeRunnable(&record, at: dependent, principal: spec(of: dependent).createdBy) }
            putTask(record, at: dependent)
        }
        return true
    }
}
