import Raft
import Testing

@testable import ClusterState

/// What holds after every entry, whatever the entry was.
enum Invariants {
    static func check(_ state: ClusterState, _ context: @autoclosure () -> String) {
        let problems = indexProblems(state) + taskProblems(state) + tableProblems(state)
        #expect(problems.isEmpty, "\(context()): \(problems.joined(separator: "; "))")
    }

    /// The indexes, computed from the tables anew.
    static func rebuilt(_ tables: Tables) -> Indexes {
        var indexes = Indexes()
        if let cluster = tables.cluster[SingleKey()] { indexes.clusterChanged(to: cluster) }
        for (key, row) in tables.nodes.rows { indexes.nodeChanged(NodeID(key.value), to: row.record) }
        for (key, row) in tables.idempotency.rows { indexes.idempotencyChanged(key, from: nil, to: row.record) }
        for (key, row) in tables.tasks.rows { indexes.taskChanged(key, from: nil, to: row.record) }
        for (key, row) in tables.tombstones.rows { indexes.tombstoneChanged(key, from: nil, to: row.record) }
        for (_, row) in tables.specs.rows { indexes.payloadsChanged(from: [], to: row.record.payloadParts) }
        for (_, row) in tables.steps.rows { indexes.payloadsChanged(from: [], to: row.record.payloadParts) }
        for (_, row) in tables.results.rows { indexes.payloadsChanged(from: [], to: row.record.payloadParts) }
        for (_, row) in tables.uploads.rows { indexes.payloadsChanged(from: [], to: row.record.payloadParts) }
        for (_, row) in tables.events.rows { indexes.eventAdded(byteCount: row.byteCount) }
        for (key, row) in tables.flows.rows { indexes.flowChanged(key, from: nil, to: row.record) }
        for (key, _) in tables.work.rows {
            if case .release(let boot) = key.subject { indexes.releaseChanged(boot, isPending: true) }
        }
        return indexes
    }

    private static func indexProblems(_ state: ClusterState) -> [String] {
        let kept = state.indexes
        let right = rebuilt(state.tables)
        var problems: [String] = []
        func compare(_ name: String, _ isEqual: Bool) { if !isEqual { problems.append("\(name) is off") } }
        compare("settings", kept.settings == right.settings && kept.machineVersion == right.machineVersion)
        compare("cluster", kept.generation == right.generation && kept.clusterID == right.clusterID)
        compare("created", kept.created.elementsEqual(right.created))
        compare("outbox", kept.outbox.elementsEqual(right.outbox))
        compare("queue", kept.queue.elementsEqual(right.queue))
        compare("dependents", kept.dependents.elementsEqual(right.dependents))
        compare("assigned", kept.assigned.elementsEqual(right.assigned))
        compare("flows", kept.flows.elementsEqual(right.flows))
        compare("deadlines", kept.timers.deadlines.elementsEqual(right.timers.deadlines))
        compare("cancel timeouts", kept.timers.cancelTimeouts.elementsEqual(right.timers.cancelTimeouts))
        compare("idempotency", kept.timers.idempotencyExpiries.elementsEqual(right.timers.idempotencyExpiries))
        compare("evictions", kept.timers.evictions.elementsEqual(right.timers.evictions))
        compare("tombstones", kept.timers.tombstoneExpiries.elementsEqual(right.timers.tombstoneExpiries))
        compare("loads", kept.loads == right.loads)
        compare("status counts", kept.statusCounts == right.statusCounts)
        compare("held", kept.heldCount == right.heldCount)
        compare("waiting", kept.waitingCount == right.waitingCount)
        compare("outbox bytes", kept.outboxBytes == right.outboxBytes)
        compare("pinned bytes", kept.pinnedBytes == right.pinnedBytes)
        compare("retained bytes", kept.retainedBytes == right.retainedBytes)
        compare("reserved bytes", kept.reservedBytes == right.reservedBytes)
        compare(
            "payloads",
            kept.payloads.elementsEqual(right.payloads) { $0.key == $1.key && $0.value == $1.value })
        compare("event bytes", kept.eventBytes == right.eventBytes)
        for priority in UInt32(1)...10 {
            compare("queued", kept.queuedCount(ofPriority: priority) == kept.queue.count { $0.priority == priority })
        }
        return problems
    }

    /// Each task is in exactly one place, and its rows belong together.
    private static func taskProblems(_ state: ClusterState) -> [String] {
        var problems: [String] = []
        let queued = Set(state.indexes.queue.map(\.task))
        let assigned = state.indexes.assigned.compactMap(\.task)
        let onNode = Set(assigned)
        let waiting = Set(state.indexes.dependents.compactMap(\.dependent))
        if onNode.count != assigned.count { problems.append("a task is on two nodes") }
        for (key, row) in state.tables.tasks.rows {
            let record = row.record
            let isWaiting = record.status == .pending && (record.held || !record.unmet.isEmpty)
            let places = [queued.contains(key), onNode.contains(key), isWaiting, record.status.isTerminal]
            if places.count(where: { $0 }) != 1 { problems.append("\(key) is in \(places)") }
            if waiting.contains(key) != !record.unmet.isEmpty { problems.append("\(key) waits for nothing") }
            if !record.isSound { problems.append("\(key) is unsound") }
            var bytes = Int(
                (state.tables.specs.rows[key]?.footprint ?? 0) + (state.tables.results.rows[key]?.footprint ?? 0))
            var completed: Set<UInt32> = []
            for (stepKey, step) in state.stepRows(of: key) {
                bytes += Int(step.footprint)
                if stepKey.attempt > record.attempt { problems.append("\(key) has a step of a later attempt") }
                if step.record.status == .running && !record.status.isOnNode {
                    problems.append("\(key) runs a step on no node")
                }
                if step.record.status == .completed && stepKey.attempt >= record.runAttempt {
                    completed.insert(stepKey.step)
                }
            }
            if completed.count != Int(record.stepsCompleted) { problems.append("\(key) miscounts its steps") }
            if bytes != Int(record.storedBytes) { problems.append("\(key) miscounts its bytes") }
            if record.persistedRevision > record.revision { problems.append("\(key) is persisted ahead") }
            if (record.evictAt != 0) != record.isRetained { problems.append("\(key) has the wrong eviction") }
        }
        return problems
    }

    private static func tableProblems(_ state: ClusterState) -> [String] {
        var problems: [String] = []
        if let table = state.inconsistentTable() { problems.append("table \(table) is inconsistent") }
        for (key, _) in state.tables.outcomes.rows {
            let session = state.tables.sessions[key.session]
            let isForgotten = state.tables.work[WorkKey(.forget(key.session))] != nil
            if session == nil && !isForgotten { problems.append("an outcome outlives session \(key.session)") }
            if let session, key.sequence >= session.floor + state.limits.sessionWindow {
                problems.append("an outcome lies above the window")
            }
        }
        for (key, _) in state.tables.tombstones.rows where state.tables.tasks[key] != nil {
            problems.append("\(key) is dead and alive")
        }
        return problems
    }
}
