import Raft

/// What PostgreSQL knows of tasks that have left the state (`design/state.md` 21). A proposer reads it and puts it into the
/// command; here it is believed only where it must be true.
extension ClusterState {
    enum Proof {
        case ended(TaskStatus, evidence: TaskEvidence)
        /// It may be of a time before the task last left the state, or is of no time at all.
        case stale
        case none
    }

    /// What the evidence proves about a task that the state does not have.
    ///
    /// A tombstone tells exactly what PostgreSQL must have. Without one, the snapshot that was read must hold everything up to
    /// the newest revision that has left the state in the task's bucket, and so what the task was when it left.
    func proof(of key: TaskKey, in evidence: [TaskEvidence]) -> Proof {
        precondition(tables.tasks[key] == nil, "the state knows its own tasks")
        guard let evidence = evidence.first(where: { Bytes.equal($0.taskID, key.id) }) else { return .none }
        guard let status = evidence.status, status.isTerminal,
            evidence.revision > 0, max(evidence.revision, evidence.readThrough) < currentRevision.rawValue
        else { return .stale }
        if let tombstone = tombstone(key) {
            let isSame = tombstone.status == status && tombstone.revision.rawValue == evidence.revision
            return isSame ? .ended(status, evidence: evidence) : .stale
        }
        let bucket = tables.buckets[NumberKey(Self.bucket(of: key, count: limits.evictionBuckets))]
        return evidence.readThrough >= bucket?.revision ?? 0 ? .ended(status, evidence: evidence) : .stale
    }

    /// More would be about nothing that the command names.
    func isBounded(_ evidence: [TaskEvidence]) -> Bool {
        evidence.count <= limits.dependencyCount + 1
            && evidence.allSatisfy { $0.taskID.utf8.count <= limits.identifierBytes }
    }

    enum Revival {
        /// The task as it ended. Nothing is written yet.
        case possible(TaskRecord, TaskSpec)
        case refused(Rejection)
    }

    /// A task that has left the state, out of a command that runs it again.
    func revival(of key: TaskKey, by command: ExecuteTask) -> Revival {
        switch proof(of: key, in: command.evidence) {
        case .none: return .refused(absence(of: key))
        case .stale: return .refused(.stale)
        case .ended(let status, let evidence):
            let archive = command.archive
            guard command.hasArchive else { return .refused(.evicted(status, Revision(rawValue: evidence.revision))) }
            if let rejection = archive.spec.rejection(limits) { return .refused(rejection) }
            guard archive.attempt > 0, (1...evidence.revision).contains(archive.createdRevision) else {
                return .refused(.invalid(field: "archive"))
            }
            return .possible(record(of: archive, status, evidence), archive.spec)
        }
    }

    private func record(of archive: TaskArchive, _ status: TaskStatus, _ evidence: TaskEvidence) -> TaskRecord {
        var record = TaskRecord()
        record.status = status
        record.attempt = archive.attempt
        record.runAttempt = archive.attempt
        record.priority = archive.spec.effectivePriority
        record.revision = evidence.revision
        record.persistedRevision = evidence.revision
        record.createdRevision = archive.createdRevision
        record.createdAt = position.now.microseconds
        record.createdWall = archive.createdWall
        record.inputTokens = archive.inputTokens
        record.outputTokens = archive.outputTokens
        record.costMicroUsd = archive.costMicroUsd
        record.lateCostMicroUsd = archive.lateCostMicroUsd
        return record
    }

    /// Puts the spec back. The caller writes the record.
    mutating func revive(_ key: TaskKey, _ record: inout TaskRecord, _ spec: TaskSpec) {
        precondition(tables.tasks[key] == nil, "only what has left comes back")
        removeTombstone(key)
        record.storedBytes = UInt64(tables.specs.put(spec, at: key, &entry.changes))
    }
}
