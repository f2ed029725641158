import ClusterState
import Postgres

/// What one transaction writes: as many items as the limits allow, in their order. A value; nothing here talks to
/// PostgreSQL.
struct BatchPlan {
    private struct Entry {
        let item: OutboxItem
        var task: StoredTask
        /// Nil until the task has ended, and while the cluster may go back to a version that keeps none.
        let archive: TaskRow.Archive?
        var isReduced = false
    }

    private var entries: [Entry] = []
    /// The watermark once this is written: the last item's revision, or just before it if the entry that changed its task has
    /// changed others too, which come in the next batch.
    private(set) var through: Revision
    /// Bytes of the tasks' JSON and specs.
    private(set) var bytes = 0

    init(_ items: [OutboxItem], of state: ClusterState, limits: StorageLimits) {
        precondition(!items.isEmpty, "an empty batch has no watermark")
        precondition(
            zip(items, items.dropFirst()).allSatisfy { $0.revision <= $1.revision },
            "the watermark claims everything before the last item, so items come in the outbox's order")
        through = items[0].revision.predecessor
        let keepsArchives = state.machineVersion >= Command.evidenceSince
        var statements = 0
        for item in items {
            // A task that has gone meanwhile was persisted before: there is nothing to write.
            if let view = state.task(item.key) {
                let task = StoredTask(view, in: state)
                let archive = keepsArchives && view.status.isTerminal ? TaskRow.Archive(view) : nil
                let size = task.contentBytes + (archive?.spec.count ?? 0)
                let count = 1 + task.executions.count
                let isWithin =
                    entries.count < limits.batchTasks && bytes + size <= limits.batchBytes
                    && statements + count <= limits.batchStatements
                guard entries.isEmpty || isWithin else { return }
                bytes += size
                statements += count
                entries.append(Entry(item: item, task: task, archive: archive))
            }
            through = state.isLastOfRevision(item) ? item.revision : item.revision.predecessor
        }
    }

    var written: [OutboxItem] {
        entries.map(\.item)
    }

    var reduced: [TaskKey] {
        entries.filter(\.isReduced).map(\.task.key)
    }

    /// The task that a statement is about, counted over all parts.
    func task(ofStatement index: Int) -> TaskKey? {
        var end = 0
        for entry in entries {
            end += 1 + entry.task.executions.count
            if (0..<end).contains(index) { return entry.task.key }
        }
        return nil
    }

    /// Leaves the JSON of a task out. False if that was done before.
    mutating func reduce(_ key: TaskKey) -> Bool {
        guard let place = entries.firstIndex(where: { $0.task.key == key && !$0.isReduced }) else { return false }
        entries[place].isReduced = true
        entries[place].task.parameters = nil
        entries[place].task.result = nil
        for execution in entries[place].task.executions.indices {
            entries[place].task.executions[execution].result = nil
        }
        return true
    }

    /// The statements, each part small enough for one round trip. Always at least one part.
    func parts(_ limits: StorageLimits) -> [[PostgresStatement]] {
        var parts: [[PostgresStatement]] = [[]]
        var partBytes = 0
        func add(_ statement: PostgresStatement, bytes: Int) {
            let count = parts[parts.count - 1].count
            let isFull = count >= limits.batchStatements || partBytes + bytes > limits.pipelineBytes
            if isFull && count > 0 {
                parts.append([])
                partBytes = 0
            }
            parts[parts.count - 1].append(statement)
            partBytes += bytes
        }
        for entry in entries {
            let revision = entry.task.revision.stored
            let own =
                (entry.task.parameters?.count ?? 0) + (entry.task.result?.count ?? 0)
                + (entry.archive?.spec.count ?? 0)
            add(TaskRow.statement(entry.task, revision, entry.archive), bytes: own)
            for execution in entry.task.executions {
                add(
                    ExecutionRow.statement(execution, of: entry.task.key, revision),
                    bytes: execution.result?.count ?? 0)
            }
        }
        return parts
    }
}

extension Revision {
    /// The one before. There is always one: no entry has index 0.
    fileprivate var predecessor: Revision { Revision(rawValue: rawValue - 1) }
}
