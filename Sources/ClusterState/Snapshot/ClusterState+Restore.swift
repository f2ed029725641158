import Raft

/// Rows of a snapshot go back into their tables, and the indexes are computed from them again.
extension ClusterState {
    /// False if the bytes are not those of a row that a state can have.
    mutating func restore(_ table: TableID, key: ArraySlice<UInt8>, record: ArraySlice<UInt8>) -> Bool {
        switch table {
        case .cluster:
            guard let (_, record) = tables.cluster.restore(key: key, record: record) else { return false }
            indexes.clusterChanged(to: record)
            return true
        case .nodes:
            guard let (key, record) = tables.nodes.restore(key: key, record: record), record.isSound else {
                return false
            }
            indexes.nodeChanged(NodeID(key.value), to: record)
            return true
        case .sessions: return tables.sessions.restore(key: key, record: record) != nil
        case .outcomes: return tables.outcomes.restore(key: key, record: record) != nil
        case .idempotency:
            // The tenant is in the key; the id must be one that a task can have.
            guard let (key, record) = tables.idempotency.restore(key: key, record: record),
                TaskKey(tenant: "any", id: record.taskID) != nil
            else { return false }
            indexes.idempotencyChanged(key, from: nil, to: record)
            return true
        case .specs:
            guard let (_, record) = tables.specs.restore(key: key, record: record) else { return false }
            return restorePayloads(of: record)
        case .tasks:
            guard let (key, record) = tables.tasks.restore(key: key, record: record), record.isSound else {
                return false
            }
            indexes.taskChanged(key, from: nil, to: record)
            return true
        case .steps:
            guard let (_, record) = tables.steps.restore(key: key, record: record) else { return false }
            return record.isSound && restorePayloads(of: record)
        case .results:
            guard let (_, record) = tables.results.restore(key: key, record: record) else { return false }
            return restorePayloads(of: record)
        case .tombstones:
            guard let (key, record) = tables.tombstones.restore(key: key, record: record) else { return false }
            indexes.tombstoneChanged(key, from: nil, to: record)
            return true
        case .buckets: return tables.buckets.restore(key: key, record: record) != nil
        case .events: return restoreEvent(key: key, record: record)
        case .flows:
            guard let (key, record) = tables.flows.restore(key: key, record: record) else { return false }
            indexes.flowChanged(key, from: nil, to: record)
            return true
        case .priorities: return tables.priorities.restore(key: key, record: record) != nil
        case .work:
            guard let (key, _) = tables.work.restore(key: key, record: record) else { return false }
            if case .release(let boot) = key.subject { indexes.releaseChanged(boot, isPending: true) }
            return true
        case .totals: return tables.totals.restore(key: key, record: record) != nil
        case .members:
            guard let (_, record) = tables.members.restore(key: key, record: record) else { return false }
            return record.isSound
        case .uploads:
            guard let (_, record) = tables.uploads.restore(key: key, record: record) else { return false }
            return restorePayloads(of: record)
        }
    }

    private mutating func restorePayloads(of record: some PayloadBearing) -> Bool {
        let parts = record.payloadParts
        for part in parts {
            guard let digest = part.digest, part.length <= UInt64(limits.commandBytes),
                indexes.payloads[digest].map({ $0.length == part.length }) ?? true
            else { return false }
            indexes.payloadsChanged(from: [], to: [part])
        }
        return true
    }

    private mutating func restoreEvent(key: ArraySlice<UInt8>, record bytes: ArraySlice<UInt8>) -> Bool {
        guard let (_, record) = tables.events.restore(key: key, record: bytes), record.isSound else { return false }
        indexes.eventAdded(byteCount: bytes.count)
        return true
    }

    /// What apply relies on between the tables, checked once so that a snapshot of a faulty writer is refused here and
    /// does not trap later. Nil if all is well.
    func inconsistentTable() -> TableID? {
        if tables.specs.count != tables.tasks.count { return .specs }
        if tables.nodes.count > limits.nodes { return .nodes }
        for (key, row) in tables.tasks.rows {
            guard let spec = tables.specs[key] else { return .specs }
            if row.record.stepsCompleted > spec.steps.count { return .tasks }
        }
        for (key, _) in tables.steps.rows {
            guard let spec = tables.specs[key.task], key.step < spec.steps.count else { return .steps }
        }
        for (key, row) in tables.uploads.rows {
            guard let task = tables.tasks[key.task], task.status.isOnNode, task.epoch == row.record.epoch else {
                return .uploads
            }
        }
        for (key, _) in tables.results.rows where tables.tasks[key] == nil { return .results }
        return nil
    }
}

extension TaskRecord {
    /// Statuses and fields that apply relies on. Checked on what comes from outside.
    var isSound: Bool {
        guard let status = TaskStatus(rawValue: UInt8(truncatingIfNeeded: statusCode.rawValue)),
            statusCode.rawValue == Int(status.rawValue)
        else { return false }
        guard (1...10).contains(priority), attempt >= runAttempt, runAttempt >= 1, persistedRevision <= revision else {
            return false
        }
        if status.isTerminal { return deadlineAt == 0 && cancelAt == 0 && reservedBytes == 0 && unmet.isEmpty }
        return (status == .cancelling) == (cancelAt != 0) && status.isOnNode == (nodeID != 0) && evictAt == 0
    }
}

extension NodeRecord {
    var isSound: Bool { NodeStatus.allCases.contains { Int($0.rawValue) == statusCode.rawValue } }
}

extension MemberRecord {
    var isSound: Bool {
        MemberRoleCode.allCases.contains(roleCode) && MemberRoleCode.allCases.contains(wantedCode)
            && wantedCode != .joining
    }
}

extension StepRecord {
    var isSound: Bool { StepStatus.allCases.contains { Int($0.rawValue) == statusCode.rawValue } }
}

extension EventRecord {
    var isSound: Bool { EventKind.allCases.contains { Int($0.rawValue) == kindCode.rawValue } }
}
