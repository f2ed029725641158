import ClusterState
import Raft

/// This process's own proposals, from the request to the outcome: the client side of a session. Mirrors
/// `RaftServer.PendingProposals`.
struct PendingProposals {
    struct Pending {
        var sequence: UInt64
        var bytes: [UInt8]
        var deadline: UInt64
        /// How often it has set out for a leader.
        var submissions: UInt64 = 1
        var resubmitAt: UInt64
        var doublings: UInt64 = 0
        /// Nil for what no client waits for.
        var operation: OperationID?
    }

    private(set) var next: UInt64 = 1
    /// In the order of their sequences.
    private(set) var pending: [Pending] = []

    /// The lowest sequence that still waits.
    var floor: UInt64 { pending.first?.sequence ?? next }

    mutating func reserve() -> UInt64 {
        defer { next += 1 }
        return next
    }

    mutating func add(_ proposal: Pending) {
        precondition(pending.last.map { $0.sequence < proposal.sequence } ?? true, "sequences rise")
        pending.append(proposal)
    }

    mutating func remove(_ sequence: UInt64) -> Pending? {
        guard let place = pending.firstIndex(where: { $0.sequence == sequence }) else { return nil }
        return pending.remove(at: place)
    }

    mutating func removeAll(where isDue: (Pending) -> Bool) -> [Pending] {
        let due = pending.filter(isDue)
        if !due.isEmpty { pending.removeAll(where: isDue) }
        return due
    }

    func submissions(of sequence: UInt64) -> UInt64 { pending.first { $0.sequence == sequence }?.submissions ?? 0 }

    /// What waits, to be submitted again: all of it after a change of leader, or what has had no outcome for too long.
    mutating func toSubmit(now: UInt64, onlyOverdue: Bool, after wait: UInt64) -> [[UInt8]] {
        var due: [[UInt8]] = []
        for place in pending.indices where !onlyOverdue || pending[place].resubmitAt <= now {
            pending[place].submissions += 1
            pending[place].doublings = onlyOverdue ? min(pending[place].doublings + 1, 6) : 0
            pending[place].resubmitAt = now + wait << pending[place].doublings
            due.append(pending[place].bytes)
        }
        return due
    }

    /// One submission of several was refused: it sets out again soon.
    mutating func refuse(_ sequence: UInt64, now: UInt64, after wait: UInt64) {
        guard let place = pending.firstIndex(where: { $0.sequence == sequence }) else { return }
        pending[place].doublings = 0
        pending[place].resubmitAt = now + wait
    }
}

/// What one submission brought to a leader whose log is being synced.
struct GatheredProposals {
    /// Nil for this node's own.
    var peer: NodeID?
    var proposals: [[UInt8]]
}

/// Where a proposal of the current step came from, by token.
struct ProposalOrigin {
    /// Nil for this node's own.
    var peer: NodeID?
    var boot: BootID
    var sequence: UInt64
}

extension Process {
    /// Whether this process's session is open as far as it has applied.
    var hasSession: Bool { machine.sessionFloor(of: session) != nil }

    /// Proposes a command in this process's session.
    func propose(_ body: Command.OneOf_Body, for operation: OperationID?) {
        let sequence = proposals.reserve()
        // The floor is that of the sequences before: this one waits as well.
        let floor = min(proposals.floor, sequence)
        let bytes = encode(body, session: session, sequence: sequence, floor: floor)
        let now = localTime
        proposals.add(
            PendingProposals.Pending(
                sequence: sequence, bytes: bytes, deadline: now + world.options.node.holdTime,
                resubmitAt: now + world.options.node.resubmitAfter, operation: operation))
        submit([bytes])
    }

    /// Proposes a command that is idempotent by nature, once; whoever wants it repeats it.
    func proposeOutsideSession(_ body: Command.OneOf_Body) {
        submit([encode(body, session: nil, sequence: 0, floor: 0)])
    }

    private func encode(
        _ body: Command.OneOf_Body, session: Envelope.Session?, sequence: UInt64, floor: UInt64
    ) -> [UInt8] {
        guard
            let envelope = try? Envelope(
                command: Command(body), session: session, sequence: sequence, floor: floor, tenant: "default")
        else { preconditionFailure("the workload's commands are small") }
        return envelope.encoded()
    }

    private func submit(_ new: [[UInt8]]) {
        if hasLostMajority {
            gathered.removeAll { $0.peer == nil }
            return failAll()
        }
        gathered.append(GatheredProposals(peer: nil, proposals: new))
        submitGathered()
    }

    /// A leader appends nothing while its last entries are not synced, up to a limit.
    func submitGathered() {
        let bytes = gathered.reduce(0) { $0 + $1.proposals.reduce(0) { $0 + $1.count } }
        let waits =
            raft.standing.role == .leader && raft.durableIndex < raft.lastLog.index
            && bytes < world.options.node.gatheredBytes
        if waits { world.marks.hit(.proposalsGathered) } else { forwardOrPropose([]) }
    }

    /// Submits and asks again everything that waits, as after a change of leader.
    func resubmit() {
        gathered.removeAll { $0.peer == nil }
        forwardOrPropose(
            proposals.toSubmit(now: localTime, onlyOverdue: false, after: world.options.node.resubmitAfter))
        guard isAlive else { return }
        askAgain()
    }

    /// With them goes what has gathered. Without a known leader the proposals stay held: the next change of role submits them.
    func forwardOrPropose(_ new: [[UInt8]]) {
        var groups = gathered
        gathered = []
        if !new.isEmpty { groups.append(GatheredProposals(peer: nil, proposals: new)) }
        guard !groups.isEmpty, let leader = raft.standing.leader else { return }
        if leader == id { return append(groups) }
        let own = groups.filter { $0.peer == nil }.flatMap(\.proposals)
        if !own.isEmpty { send(.proposals(own), to: leader) }
    }

    func receiveForwarded(_ forwarded: [[UInt8]], from peer: NodeID) {
        // A node that does not lead stays silent: the sender asks again as soon as it knows who does.
        guard raft.standing.role == .leader else { return }
        gathered.append(GatheredProposals(peer: peer, proposals: forwarded))
        submitGathered()
    }

    /// The times are stamped here, in the order of the log.
    private func append(_ groups: [GatheredProposals]) {
        let time = clockBase.time + (localTime - clockBase.local)
        var batch: [Proposal] = []
        var from: [ProposalOrigin] = []
        for group in groups {
            for unstamped in group.proposals {
                var bytes = unstamped
                Envelope.stamp(&bytes, clusterTimeMicroseconds: time, wallTimeMicroseconds: world.wallTime)
                from.append(
                    ProposalOrigin(
                        peer: group.peer, boot: BootID(bytes[...].littleEndian(at: 32)),
                        sequence: bytes[...].littleEndian(at: 40)))
                batch.append(Proposal(token: UInt64(batch.count), data: bytes[...]))
            }
        }
        origins = from
        step(.propose(batch))
    }

    func refuse(_ tokens: [UInt64], _ reason: RejectionReason) {
        switch reason {
        case .notLeader, .transferring: return  // Held where it came from, and submitted again.
        case .overloaded, .tooLarge: break
        }
        world.marks.hit(.proposalRefused)
        for token in tokens {
            let origin = origins[Int(token)]
            guard origin.sequence > 0 else { continue }
            if let peer = origin.peer {
                send(.proposalRefused(origin.boot, sequence: origin.sequence), to: peer)
            } else {
                refused(origin.sequence)
            }
        }
    }

    /// A leader has refused one submission. Was it the only one, the proposal had no effect.
    func refused(_ sequence: UInt64) {
        guard proposals.submissions(of: sequence) == 1, let found = proposals.remove(sequence) else {
            return proposals.refuse(sequence, now: localTime, after: world.options.node.resubmitAfter)
        }
        if let operation = found.operation { world.workload.finished(operation, .refused) }
    }

    func complete(_ sequence: UInt64, _ outcome: Outcome) {
        guard let found = proposals.remove(sequence) else { return }
        if let operation = found.operation { world.workload.finished(operation, .outcome(outcome)) }
    }

    /// Fails everything that waits; what is under way may still take effect.
    func failAll() {
        failProposals { _ in true }
        failReads { _ in true }
    }

    func failProposals(where isDue: (PendingProposals.Pending) -> Bool) {
        for found in proposals.removeAll(where: isDue) {
            if let operation = found.operation { world.workload.finished(operation, .unknown) }
        }
    }
}
