import Raft

/// Idempotency keys of clients (`design/state.md` 11): the same request under the same key acts once, on whatever node
/// and in whatever session it arrives.
extension ClusterState {
    /// A key that has not been used, with the digest to keep.
    struct IdempotencySlot {
        let key: BytesKey
        let record: IdempotencyRecord
    }

    enum IdempotencyAnswer {
        /// Nil: the command has no key.
        case fresh(IdempotencySlot?)
        case answered(Outcome)
    }

    func lookUp(_ idempotency: IdempotencyKey?) -> IdempotencyAnswer {
        guard let idempotency else { return .fresh(nil) }
        guard idempotency.principal.utf8.count <= limits.principalBytes,
            idempotency.route.utf8.count <= limits.routeBytes,
            (1...limits.idempotencyKeyBytes).contains(idempotency.key.utf8.count),
            idempotency.bodyDigest.count == StateHash.byteCount
        else { return .answered(.rejected(.invalid(field: "idempotency"))) }
        let key = BytesKey([
            entry.tenant.utf8, idempotency.principal.utf8, idempotency.route.utf8, idempotency.key.utf8,
        ])
        if let first = tables.idempotency[key] {
            guard first.bodyDigest == idempotency.bodyDigest else { return .answered(.rejected(.idempotencyConflict)) }
            guard let task = TaskKey(tenant: entry.tenant, id: first.taskID) else {
                preconditionFailure("the table holds the ids of accepted tasks of the key's tenant")
            }
            return .answered(.replayed(task, Revision(rawValue: first.revision)))
        }
        var record = IdempotencyRecord()
        record.bodyDigest = idempotency.bodyDigest
        record.expiresAt = position.now.adding(milliseconds: settings.idempotencyMilliseconds).microseconds
        return .fresh(IdempotencySlot(key: key, record: record))
    }

    /// A full table lets go of its oldest key if that has expired; a younger one was promised its time.
    mutating func makeRoom(for slot: IdempotencySlot?) -> Rejection? {
        guard slot != nil, UInt64(tables.idempotency.count) >= settings.idempotencyLimit else { return nil }
        guard let oldest = indexes.timers.idempotencyExpiries.first, oldest.time <= position.now else {
            return .idempotencyTableFull(retryAfterSeconds: limits.idempotencyRetrySeconds)
        }
        removeIdempotency(oldest.subject)
        return nil
    }

    mutating func remember(_ slot: IdempotencySlot?, _ task: TaskKey, _ revision: Revision) {
        guard let slot else { return }
        var record = slot.record
        record.taskID = task.id
        record.revision = revision.rawValue
        indexes.idempotencyChanged(slot.key, from: tables.idempotency[slot.key], to: record)
        tables.idempotency.put(record, at: slot.key, &entry.changes)
    }

    mutating func removeIdempotency(_ key: BytesKey) {
        guard let row = tables.idempotency.remove(key, &entry.changes) else { return }
        indexes.idempotencyChanged(key, from: row.record, to: nil)
    }
}
