import Raft

/// A node is gone, or its process is another one now: its tasks go back (`design/state.md` 15, 17).
extension ClusterState {
    /// Takes back everything that a boot has. The first tasks go in this entry, the rest in the ones that follow; until
    /// then the boot counts as releasing: it gets nothing new, and what it still reports is fenced.
    mutating func releaseTasks(of boot: SessionKey, nodeDied: Bool) {
        guard firstAssigned(to: boot) != nil else { return }
        var work = WorkRecord()
        work.nodeDied = nodeDied
        addWork(.release(boot), work)
    }

    func firstAssigned(to boot: SessionKey) -> TaskKey? {
        guard let first = indexes.assigned.first(from: AssignedKey(boot: boot, task: nil)), first.boot == boot
        else { return nil }
        return first.task
    }

    /// True when nothing is left to release.
    mutating func continueRelease(of boot: SessionKey, _ work: WorkRecord) -> Bool {
        while let key = firstAssigned(to: boot) {
            guard entry.movesLeft > 0 else { return false }
            entry.movesLeft -= 1
            release(key, nodeDied: work.nodeDied)
        }
        return true
    }

    private mutating func release(_ key: TaskKey, nodeDied: Bool) {
        guard var record = tables.tasks[key] else { preconditionFailure("the index names live tasks") }
        precondition(record.status.isOnNode, "the index names tasks that a node has")
        announceRelease(of: key, record)
        count { $0.releases += 1 }
        switch record.status {
        case .cancelling:
            terminate(&record, at: key, as: .cancelled)
        case .assigned:
            // It had not begun: no attempt was spent.
            removeUploads(of: key)
            requeue(&record, at: key)
        case .executing, .waitingApproval:
            interruptSteps(of: key, &record)
            removeUploads(of: key)
            if nodeDied { countDeath(of: &record) }
            if let failure = endOfAttempts(record, allowed: spec(of: key).maxAttempts) {
                terminate(&record, at: key, as: .failed, failure: failure)
            } else {
                record.attempt += 1
                requeue(&record, at: key)
            }
        case .pending, .completed, .failed, .cancelled:
            preconditionFailure("no node has a task that is \(record.status.name)")
        }
    }

    private mutating func countDeath(of record: inout TaskRecord) {
        count { $0.nodeDeaths += 1 }
        record.nodeDeaths = record.nodeDeaths == .max ? .max : record.nodeDeaths + 1
        record.suspect = true
    }

    /// Why a task that lost its node does not get another one; nil if it does.
    private func endOfAttempts(_ record: TaskRecord, allowed: UInt32) -> Failure? {
        let settings = settings
        if record.nodeDeaths >= settings.poisonNodeDeaths {
            return Failure(.poison, message: "\(record.nodeDeaths) nodes died while they ran this task")
        }
        let greatest = allowed == 0 ? settings.defaultMaxAttempts : allowed
        let used = record.attempt - record.runAttempt + 1
        return used < greatest && record.attempt < .max
            ? nil : Failure(.maxAttempts, message: "\(used) attempts lost their node")
    }

    /// Its place in the queue is the one that it had: what was served once is not sent to the end.
    private mutating func requeue(_ record: inout TaskRecord, at key: TaskKey) {
        record.status = .pending
        record.nodeID = 0
        record.bootID = 0
        touch(&record)
        putTask(record, at: key)
    }
}
