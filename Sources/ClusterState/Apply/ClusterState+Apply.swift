public import Raft

extension ClusterState {
    /// Applies the next entry of the log that carries a command.
    ///
    /// Total: whatever the bytes are, there is an outcome, the chain advances, and nothing traps. The caller's duty is
    /// Raft's own invariant: every entry once, in order, each with the term in which it was appended.
    ///
    /// - Throws: `UpgradeRequired`; the state is then unchanged, and the caller stops.
    public mutating func apply(
        index: LogIndex, term: Term, entry bytes: ArraySlice<UInt8>
    ) throws(UpgradeRequired) -> Applied {
        precondition(index == position.index.next, "entries are applied in order, each once")
        precondition(term >= position.term, "terms do not fall along a log")
        let request = try Request(reading: bytes, at: index, limits: limits, supportedVersion: supportedVersion)
        switch request {
        case .malformed(let envelope):
            begin(index: index, term: term, envelope: envelope)
            return seal(envelope: envelope, outcome: .rejected(.malformed))
        case .command(let envelope, let command):
            try checkSupport(of: command, at: index)
            begin(index: index, term: term, envelope: envelope)
            return run(command, envelope)
        }
    }

    /// Advances past an entry of Raft's own: a leader's no-op, or a configuration, which gives the members their roles.
    public mutating func applyInternal(index: LogIndex, term: Term, membership: Membership? = nil) -> Applied {
        precondition(index == position.index.next, "entries are applied in order, each once")
        precondition(term >= position.term, "terms do not fall along a log")
        begin(index: index, term: term, envelope: nil)
        if let membership { apply(membership) }
        return seal(envelope: nil, outcome: .done(count: 0))
    }

    /// Advances past an entry that crashes whoever applies it, by an operator's order (`design/state.md` 5). Nothing of it takes
    /// effect, its session's sequence and its time included. The chain says that it was skipped: a state that has applied the
    /// entry, and be it to refuse it, has another hash.
    public mutating func skip(index: LogIndex, term: Term) -> Applied {
        precondition(index == position.index.next, "entries are applied in order, each once")
        precondition(term >= position.term, "terms do not fall along a log")
        begin(index: index, term: term, envelope: nil)
        entry.changes.noteSkip()
        return seal(envelope: nil, outcome: .done(count: 0))
    }

    /// An accepted version above what this build knows stops it; whether it is accepted is the same on every node.
    private func checkSupport(of command: Command, at index: LogIndex) throws(UpgradeRequired) {
        var version: UInt32 = 0
        if case .setMachineVersion(let change) = command.body, versionRejection(change.version) == nil {
            version = change.version
        }
        if case .clusterCreated(let creation) = command.body, !isCreated { version = creation.machineVersion }
        guard version <= supportedVersion else {
            throw UpgradeRequired(index: index, machineVersion: version)
        }
    }

    private mutating func run(_ command: Command, _ envelope: Envelope) -> Applied {
        if max(envelope.machineVersion, command.machineVersion) > machineVersion || envelope.group != 0 {
            let field = envelope.group == 0 ? "machine_version" : "group"
            return seal(envelope: envelope, outcome: .rejected(.invalid(field: field)))
        }
        switch admitToSession(envelope) {
        case .answered(let outcome, let isDuplicate):
            return seal(envelope: envelope, outcome: outcome, isDuplicate: isDuplicate)
        case .fresh:
            let outcome = execute(command)
            continueWork()
            remember(outcome, of: envelope)
            return seal(envelope: envelope, outcome: outcome)
        }
    }

    private mutating func execute(_ command: Command) -> Outcome {
        guard let body = command.body else { return .rejected(.malformed) }
        if case .clusterCreated(let created) = body { return apply(created) }
        guard isCreated else { return .rejected(.noCluster) }
        switch body {
        case .clusterCreated: return .rejected(.clusterExists)
        case .nodeAvailable(let command): return apply(command)
        case .nodeSuspended(let command): return apply(command)
        case .nodeLeft(let command): return apply(command)
        case .sessionEnded(let command): return apply(command)
        case .setMachineVersion(let command): return apply(command)
        case .generationRaised(let command): return apply(command)
        case .settingsChanged(let command): return apply(command)
        case .timersDue(let command): return apply(command)
        case .submitTask(let command): return apply(command)
        case .executeTask(let command): return apply(command)
        case .cancelTask(let command): return apply(command)
        case .taskStarted(let command): return apply(command)
        case .stepStarted(let command): return apply(command)
        case .stepCompleted(let command): return apply(command)
        case .taskFinished(let command): return apply(command)
        case .cancelAcknowledged(let command): return apply(command)
        case .usageReported(let command): return apply(command)
        case .persisted(let command): return apply(command)
        case .projectionRewound(let command): return apply(command)
        case .membersFounded(let command): return apply(command)
        case .memberAdded(let command): return apply(command)
        case .membersRemoved(let command): return apply(command)
        case .memberReplaced(let command): return apply(command)
        case .memberReincarnated(let command): return apply(command)
        case .nodeDrainRequested(let command): return apply(command)
        }
    }

    private mutating func begin(index: LogIndex, term: Term, envelope: Envelope?) {
        position.index = index
        position.term = term
        if let envelope {
            // Only the leader stamps, and never backwards; a damaged stamp must not turn the clock back all the same.
            position.now = max(position.now, ClusterTime(microseconds: envelope.clusterTimeMicroseconds))
            position.wallTime = envelope.wallTimeMicroseconds
            entry.trace = envelope.trace
            entry.tenant = envelope.tenant
            entry.bodyBytes = UInt64(envelope.decodedBodyLength)
        }
        entry.wallTime = position.wallTime
        entry.movesLeft = limits.movesPerEntry
        entry.assignmentsLeft = limits.assignmentsPerEntry
        entry.forgottenLeft = limits.forgottenRowsPerEntry
        entry.changes.begin(previous: position.hash, index: index, now: position.now)
        precondition(entry.events.isEmpty && entry.assignments.isEmpty, "the entry before was sealed")
    }

    private mutating func seal(envelope: Envelope?, outcome: Outcome, isDuplicate: Bool = false) -> Applied {
        if let totals = entry.totals { tables.totals.put(totals, at: SingleKey(), &entry.changes) }
        trimEvents()
        position.hash = entry.changes.hash()
        position.recentHashes.updateValue(position.hash, forKey: position.index.rawValue)
        if position.recentHashes.count > limits.hashWindow, let oldest = position.recentHashes.first {
            position.recentHashes.removeValue(forKey: oldest.key)
        }
        let applied = Applied(
            index: position.index, session: envelope?.session, sequence: envelope?.sequence ?? 0, outcome: outcome,
            isDuplicate: isDuplicate, events: entry.events, assignments: entry.assignments,
            changedTasks: entry.changedTasks, hash: position.hash)
        entry.reset()
        return applied
    }

    /// Counts for operators. They are part of the state, so they are written once at the end of the entry.
    mutating func count(_ change: (inout TotalsRecord) -> Void) {
        var totals = entry.totals ?? self.totals
        change(&totals)
        entry.totals = totals
    }
}

/// An entry's bytes, read as far as they can be.
private enum Request {
    case command(Envelope, Command)
    /// No envelope, or one around something that is no command.
    case malformed(Envelope?)

    init(
        reading bytes: ArraySlice<UInt8>, at index: LogIndex, limits: Limits, supportedVersion: UInt32
    ) throws(UpgradeRequired) {
        let envelope: Envelope
        do throws(Envelope.DecodingError) {
            envelope = try Envelope(decoding: bytes)
        } catch {
            switch error {
            case .truncated, .invalidTenant:
                self = .malformed(nil)
                return
            case .unknownFormatVersion, .unknownKind, .unknownCodec:
                throw UpgradeRequired(index: index, machineVersion: nil)
            }
        }
        if envelope.machineVersion > supportedVersion {
            throw UpgradeRequired(index: index, machineVersion: envelope.machineVersion)
        }
        do throws(CommandDecodingError) {
            self = .command(envelope, try Command(decoding: envelope, limits: limits))
        } catch {
            switch error {
            case .malformed, .tooLarge: self = .malformed(envelope)
            case .unknownFields: throw UpgradeRequired(index: index, machineVersion: nil)
            }
        }
    }
}
