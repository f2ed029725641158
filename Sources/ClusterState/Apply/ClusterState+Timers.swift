import Raft

/// Time passes by command only: the leader proposes TimersDue when `nextTimer` is due.
extension ClusterState {
    mutating func apply(_ command: TimersDue) -> Outcome {
        // The stamp of the entry rules: a proposer cannot run ahead of the cluster's clock.
        let time = min(ClusterTime(microseconds: command.timeMicroseconds), position.now)
        var fired: UInt64 = 0
        while fired < UInt64(limits.timersPerEntry), let next = indexes.timers.first, next.time <= time {
            fire(next.timer)
            fired += 1
        }
        if fired > 0 { count { $0.timersFired += fired } }
        return .done(count: fired)
    }

    private mutating func fire(_ timer: Timers.Timer) {
        let before = indexes.timers.count
        switch timer {
        case .deadline(let key):
            var record = task(of: timer, key)
            if record.status.isOnNode { announceRelease(of: key, record) }
            terminate(&record, at: key, as: .failed, failure: Failure(.deadline))
        case .cancelTimeout(let key):
            var record = task(of: timer, key)
            announceRelease(of: key, record)
            terminate(&record, at: key, as: .cancelled)
        case .idempotencyExpiry(let key):
            removeIdempotency(key)
        case .eviction(let key):
            evict(key)
        case .tombstoneExpiry(let key):
            removeTombstone(key)
        }
        precondition(
            indexes.timers.count <= before, "a timer that fires is gone; an eviction may start one in its place")
    }

    private func task(of timer: Timers.Timer, _ key: TaskKey) -> TaskRecord {
        guard let record = tables.tasks[key] else { preconditionFailure("timer \(timer) of a task that is gone") }
        precondition(!record.status.isTerminal, "timer \(timer) of a task that ended")
        return record
    }
}
