import Raft

/// Client sessions: a command acts once however often it is proposed (`design/state.md` 10, Raft thesis §6.3).
extension ClusterState {
    enum SessionAnswer {
        case fresh
        case answered(Outcome, isDuplicate: Bool)
    }

    func admitToSession(_ envelope: Envelope) -> SessionAnswer {
        guard let session = envelope.session else { return .fresh }
        let key = SessionKey(session)
        guard let record = tables.sessions[key] else {
            return .answered(.rejected(.sessionEnded), isDuplicate: false)
        }
        if envelope.sequence < record.floor { return .answered(.rejected(.outcomeForgotten), isDuplicate: false) }
        #if AMAS_MUTANTS
            if Mutant.active == .sessionsForgetOutcomes { return .fresh }
        #endif
        if let first = tables.outcomes[OutcomeKey(session: key, sequence: envelope.sequence)] {
            let outcome = Outcome(first, tenant: envelope.tenant) ?? .rejected(.malformed)
            return .answered(outcome, isDuplicate: true)
        }
        let floor = newFloor(record, envelope)
        if envelope.sequence - floor >= limits.sessionWindow {
            return .answered(.rejected(.windowExceeded), isDuplicate: false)
        }
        return .fresh
    }

    /// Keeps the first answer, and lets go of those that the proposer no longer waits for.
    mutating func remember(_ outcome: Outcome, of envelope: Envelope) {
        guard let session = envelope.session else { return }
        let key = SessionKey(session)
        // The command itself may have ended the session.
        guard var record = tables.sessions[key] else { return }
        let floor = newFloor(record, envelope)
        precondition(envelope.sequence >= floor, "a session admits nothing below its floor")
        tables.outcomes.put(
            outcome.record, at: OutcomeKey(session: key, sequence: envelope.sequence), &entry.changes)
        if floor > record.floor {
            record.floor = floor
            tables.sessions.put(record, at: key, &entry.changes)
        }
        forgetOutcomes(of: key, below: floor)
    }

    /// A floor above the command's own sequence would disown the command.
    private func newFloor(_ record: SessionRecord, _ envelope: Envelope) -> UInt64 {
        max(record.floor, min(envelope.floor, envelope.sequence))
    }

    /// True if none is left. What one entry may not forget, the session's next one does.
    @discardableResult
    mutating func forgetOutcomes(of session: SessionKey, below floor: UInt64) -> Bool {
        while let first = tables.outcomes.rows.first(from: OutcomeKey(session: session, sequence: 0))?.key,
            first.session == session, first.sequence < floor
        {
            guard entry.forgottenLeft > 0 else { return false }
            entry.forgottenLeft -= 1
            tables.outcomes.remove(first, &entry.changes)
        }
        return true
    }

    mutating func openSession(_ key: SessionKey) {
        guard tables.sessions[key] == nil else { return }
        var record = SessionRecord()
        record.floor = 1
        record.openedAt = position.now.microseconds
        tables.sessions.put(record, at: key, &entry.changes)
    }

    /// True if it was open.
    mutating func endSession(_ key: SessionKey) -> Bool {
        guard tables.sessions.remove(key, &entry.changes) != nil else { return false }
        addWork(.forget(key), WorkRecord())
        return true
    }

    mutating func apply(_ command: SessionEnded) -> Outcome {
        let key = SessionKey(node: NodeID(command.nodeID), boot: BootID(command.bootID))
        return .done(count: endSession(key) ? 1 : 0)
    }
}
