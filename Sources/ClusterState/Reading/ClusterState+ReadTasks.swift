import Raft

extension ClusterState {
    /// Nil also for a task that was evicted: see `tombstone`.
    public func task(_ key: TaskKey) -> TaskView? {
        guard let record = tables.tasks[key] else { return nil }
        return TaskView(key: key, spec: spec(of: key), record: record)
    }

    /// The plan's steps in order, each with the newest attempt of the current run. Empty for an unknown task.
    public func steps(of key: TaskKey) -> [StepView] {
        guard let record = tables.tasks[key] else { return [] }
        return spec(of: key).steps.enumerated().map { ordinal, plan in
            let current = currentStep(UInt32(ordinal), of: key, record)
            return StepView(
                ordinal: UInt32(ordinal), plan: plan, attempt: current?.key.attempt, record: current?.step)
        }
    }

    /// Every attempt at every step that PostgreSQL may not have: the rows of `task_executions`.
    public func executions(of key: TaskKey) -> [StepView] {
        guard tables.tasks[key] != nil else { return [] }
        let plan = spec(of: key).steps
        return stepRows(of: key).map { row in
            StepView(
                ordinal: row.key.step, plan: plan[Int(row.key.step)], attempt: row.key.attempt, record: row.value.record
            )
        }
    }

    /// Steps that can begin: all they need is completed, and in this attempt they have not begun.
    public func readySteps(of key: TaskKey) -> [UInt32] {
        guard let record = tables.tasks[key], !record.status.isTerminal else { return [] }
        let steps = steps(of: key)
        return steps.filter { step in
            let isOpen = step.status == nil || (step.status == .interrupted && step.attempt != record.attempt)
            return isOpen && step.plan.needs.allSatisfy { steps[Int($0)].status == .completed }
        }.map(\.ordinal)
    }

    /// The task's result; nil if it has none.
    public func result(of key: TaskKey) -> Payload? {
        switch tables.results[key]?.source {
        case nil: nil
        case .payload(let payload): payload
        case .step(let step): tables.steps[StepKey(task: key, step: step.step, attempt: step.attempt)]?.result
        }
    }

    public func tombstone(_ key: TaskKey) -> Tombstone? {
        guard let record = tables.tombstones[key],
            let status = TaskStatus(rawValue: UInt8(truncatingIfNeeded: record.statusCode.rawValue))
        else { return nil }
        return Tombstone(status: status, revision: Revision(rawValue: record.revision))
    }

    /// Tasks that were evicted with a change after `revision`, in the order of their keys: what PostgreSQL lacks and this state can
    /// not give back, if PostgreSQL has nothing newer than that. Walks over all tombstones.
    ///
    /// - Parameter limit: the most tasks to name; all are counted.
    /// - Returns: `isComplete` is false if others went after `revision` whose tombstones are gone as well.
    public func evicted(after revision: Revision, limit: Int) -> (tasks: [TaskKey], count: Int, isComplete: Bool) {
        var tasks: [TaskKey] = []
        var count = 0
        var last = tables.buckets.rows.reduce(into: [UInt64: UInt64]()) { $0[$1.key.value] = $1.value.record.revision }
        for (key, row) in tables.tombstones.rows where row.record.revision > revision.rawValue {
            count += 1
            if tasks.count < limit { tasks.append(key) }
            let bucket = Self.bucket(of: key, count: limits.evictionBuckets)
            if last[bucket] == row.record.revision { last[bucket] = nil }
        }
        return (tasks, count, last.values.allSatisfy { $0 <= revision.rawValue })
    }

    /// A tenant's tasks that are still here, newest first.
    ///
    /// - Parameters:
    ///   - before: where the last page ended.
    ///   - limit: the most tasks to return. Tasks that `isIncluded` refuses cost time but not room.
    public func tasks(
        tenant: String, before: Revision? = nil, limit: Int, where isIncluded: (TaskView) -> Bool = { _ in true }
    ) -> TaskPage {
        guard limit > 0, tenant.utf8.count <= TaskKey.maximumTenantBytes else { return TaskPage(tasks: [], next: nil) }
        let bound = TaskKey(beforeTasksOf: tenant)
        var tasks: [TaskView] = []
        for created in indexes.created.from(CreatedKey(task: bound, revision: before?.rawValue ?? .max)) {
            guard created.task.hasSameTenant(as: bound) else { break }
            if let before, created.revision >= before.rawValue { continue }
            guard let view = task(created.task), isIncluded(view) else { continue }
            if tasks.count == limit { return TaskPage(tasks: tasks, next: tasks.last.map(\.createdRevision)) }
            tasks.append(view)
        }
        return TaskPage(tasks: tasks, next: nil)
    }

    /// What PostgreSQL has not taken, oldest change first, up to a number of tasks and of bytes (at least one task).
    public func outbox(limit: Int, byteLimit: UInt64) -> [OutboxItem] {
        var items: [OutboxItem] = []
        var bytes: UInt64 = 0
        for entry in indexes.outbox {
            guard items.count < limit, let record = tables.tasks[entry.task] else { break }
            bytes += record.storedBytes
            if bytes > byteLimit && !items.isEmpty { break }
            items.append(OutboxItem(key: entry.task, revision: Revision(rawValue: entry.revision)))
        }
        return items
    }

    /// Whether nothing in the outbox comes after the item that changed under the same revision: once all before it and it are
    /// written, so is all up to its revision.
    public func isLastOfRevision(_ item: OutboxItem) -> Bool {
        let place = OutboxKey(revision: item.revision.rawValue, task: item.key)
        let next = indexes.outbox.from(place).first { $0 != place }
        return next?.revision != item.revision.rawValue
    }

    /// Tasks that PostgreSQL has not taken.
    public var outboxCount: Int { indexes.outbox.count }
    /// Their bytes.
    public var outboxBytes: UInt64 { indexes.outboxBytes }
    /// Result bytes that admission has set aside for live tasks.
    public var reservedBytes: UInt64 { indexes.reservedBytes }
    /// Bytes of tasks that live or that PostgreSQL has not taken. With `reservedBytes` this is what admission compares
    /// with `settings.admissionLimitBytes`.
    public var pinnedBytes: UInt64 { indexes.pinnedBytes }
    /// Bytes of persisted tasks that are kept for their grace.
    public var retainedBytes: UInt64 { indexes.retainedBytes }

    public var counts: TaskCounts {
        TaskCounts(
            byStatus: indexes.statusCounts, queued: indexes.queue.count, waiting: indexes.waitingCount,
            held: indexes.heldCount)
    }
}

extension TaskView {
    /// The revision that created it: the cursor of lists.
    public var createdRevision: Revision { Revision(rawValue: record.createdRevision) }
}
