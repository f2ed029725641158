import Raft

/// Tasks leave the state (`design/state.md` 21): terminal, in PostgreSQL, and longer than their grace or in the way.
extension ClusterState {
    mutating func evict(_ key: TaskKey) {
        guard let row = tables.tasks.remove(key, &entry.changes) else { preconditionFailure("the index names tasks") }
        let record = row.record
        precondition(record.isRetained, "only what ended and is in PostgreSQL is evicted")
        indexes.taskChanged(key, from: record, to: nil)
        tables.specs.remove(key, &entry.changes)
        tables.results.remove(key, &entry.changes)
        let steps = stepRows(of: key).map(\.key)
        for step in steps { tables.steps.remove(step, &entry.changes) }
        count { $0.evictions += 1 }
        var tombstone = TombstoneRecord()
        tombstone.statusCode = record.statusCode
        tombstone.revision = record.revision
        tombstone.expiresAt = position.now.adding(milliseconds: settings.tombstoneMilliseconds).microseconds
        indexes.tombstoneChanged(key, from: tables.tombstones[key], to: tombstone)
        tables.tombstones.put(tombstone, at: key, &entry.changes)
        boundTombstones()
        raiseBucket(of: key, to: record.revision)
    }

    mutating func removeTombstone(_ key: TaskKey) {
        guard let row = tables.tombstones.remove(key, &entry.changes) else { return }
        indexes.tombstoneChanged(key, from: row.record, to: nil)
    }

    /// Beyond the bound the oldest go early: the proposer then asks PostgreSQL, which has the task.
    private mutating func boundTombstones() {
        for _ in 0..<4 where UInt64(tables.tombstones.count) > settings.tombstoneLimit {
            guard let oldest = indexes.timers.tombstoneExpiries.first else { return }
            removeTombstone(oldest.subject)
        }
    }

    /// Evidence about a task of this bucket counts only if PostgreSQL was read at or after it.
    private mutating func raiseBucket(of key: TaskKey, to revision: UInt64) {
        let bucket = NumberKey(Self.bucket(of: key, count: limits.evictionBuckets))
        guard revision > tables.buckets[bucket]?.revision ?? 0 else { return }
        var record = EvictionBucketRecord()
        record.revision = revision
        tables.buckets.put(record, at: bucket, &entry.changes)
    }

    /// FNV-1a: spreads well enough and is the same for ever.
    static func bucket(of key: TaskKey, count: UInt64) -> UInt64 {
        precondition(count > 0, "there is a bucket")
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key.bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash % count
    }

    /// Above the byte bound the oldest retained tasks go before their grace is over.
    mutating func evictUnderPressure() {
        let limit = settings.retainedLimitBytes
        for _ in 0..<limits.evictionsPerEntry {
            guard indexes.retainedBytes > limit, let oldest = indexes.timers.evictions.first else { return }
            evict(oldest.subject)
        }
    }
}
