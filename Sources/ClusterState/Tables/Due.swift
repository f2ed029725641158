/// Something that is to happen to a subject at a time. Ordered by the time, then by the subject.
struct Due<Subject: Comparable & Sendable>: Comparable, Sendable {
    let time: ClusterTime
    let subject: Subject

    static func < (left: Due, right: Due) -> Bool {
        left.time == right.time ? left.subject < right.subject : left.time < right.time
    }
}

/// The one timer table: every expiry in the state, ordered by due time, then kind, then subject. One ordered set a kind,
/// so that the oldest of a kind (the next to evict, the idempotency key to let go) is found without a search.
struct Timers: Sendable {
    /// In the order in which timers due at the same time fire.
    enum Timer: Equatable, Sendable {
        case deadline(TaskKey)
        case cancelTimeout(TaskKey)
        case idempotencyExpiry(BytesKey)
        case eviction(TaskKey)
        case tombstoneExpiry(TaskKey)
    }

    var deadlines = OrderedSet<Due<TaskKey>>()
    var cancelTimeouts = OrderedSet<Due<TaskKey>>()
    var idempotencyExpiries = OrderedSet<Due<BytesKey>>()
    var evictions = OrderedSet<Due<TaskKey>>()
    var tombstoneExpiries = OrderedSet<Due<TaskKey>>()

    var count: Int {
        deadlines.count + cancelTimeouts.count + idempotencyExpiries.count + evictions.count + tombstoneExpiries.count
    }

    var first: (time: ClusterTime, timer: Timer)? {
        var first: (time: ClusterTime, timer: Timer)?
        func consider(_ time: ClusterTime, _ timer: @autoclosure () -> Timer) {
            if let earliest = first?.time, earliest <= time { return }
            first = (time, timer())
        }
        if let due = deadlines.first { consider(due.time, .deadline(due.subject)) }
        if let due = cancelTimeouts.first { consider(due.time, .cancelTimeout(due.subject)) }
        if let due = idempotencyExpiries.first { consider(due.time, .idempotencyExpiry(due.subject)) }
        if let due = evictions.first { consider(due.time, .eviction(due.subject)) }
        if let due = tombstoneExpiries.first { consider(due.time, .tombstoneExpiry(due.subject)) }
        return first
    }
}

extension OrderedSet {
    /// Moves a timer; 0 stands for "none" on both sides, as it does in the records.
    mutating func reschedule<Subject>(_ subject: Subject, from old: UInt64, to new: UInt64)
    where Element == Due<Subject> {
        guard old != new else { return }
        if old != 0 { remove(Due(time: ClusterTime(microseconds: old), subject: subject)) }
        if new != 0 { insert(Due(time: ClusterTime(microseconds: new), subject: subject)) }
    }
}
