/// What only a leader holds.
struct Leadership: Hashable, Sendable {
    /// Every other member, ascending by id.
    var peers: [Progress]
    /// The leader's first entry in its term. Nothing is committed, and no read answered, before it is committed (P2, P3).
    let firstOfTerm: LogIndex
    var heartbeatDeadline: Tick
    var quorumDeadline: Tick
    /// The newest round of heartbeats, and the newest one that a quorum has answered. Rounds only rise, so a late answer
    /// never confirms a read that came after it was sent (P4).
    var round: UInt64 = 0
    var confirmedRound: UInt64 = 0
    var reads: [PendingRead] = []
    var transfer: Transfer?
    /// Bytes appended by this leader and not yet committed.
    var uncommittedBytes = 0

    var nextDeadline: Tick {
        min(heartbeatDeadline, min(quorumDeadline, transfer?.deadline ?? quorumDeadline))
    }

    func place(of peer: NodeID) -> Int? { peers.firstIndex { $0.id == peer } }
}

extension Raft {
    mutating func becomeLeader() {
        precondition(role == .candidate, "only a candidate wins an election")
        precondition(hardState.votedFor == id, "a leader voted for itself")
        role = .leader
        leader = id
        ballot = nil
        suspicion = nil
        // A follower was not kept up to date; its first own entry, once applied, brings it anew.
        if recognized != nil { recognized = [] }
        let first = log.last.index.next
        leadership = Leadership(
            peers: log.membership.members.filter { $0 != id }.map { Progress(id: $0, next: first, now: now) },
            firstOfTerm: first, heartbeatDeadline: now + settings.heartbeatMilliseconds,
            quorumDeadline: now + settings.electionMilliseconds)
        // The first entry of a cluster is its membership; of every later term, an empty one. Either is an entry of the new
        // term, whose commit commits what former leaders left.
        if first == LogIndex(1) {
            let bytes = log.membership.encoded()
            append(Entry(index: first, term: hardState.term, kind: .configuration, data: bytes[...]))
        } else {
            append(Entry(index: first, term: hardState.term, kind: .noop, data: []))
        }
        broadcastAppends()
    }

    /// Whether the leader has committed an entry of its own term, and so knows what is committed.
    var ownTermIsCommitted: Bool {
        #if AMAS_MUTANTS
            if Mutant.active == .readsBeforeOwnTermCommit { return leadership != nil }
        #endif
        guard let leadership else { return false }
        return log.commit >= leadership.firstOfTerm
    }

    mutating func tickLeadership() {
        guard let state = leadership else { preconditionFailure("a leader has its leadership") }
        #if AMAS_MUTANTS
            let isTransferOver = Mutant.active != .transferWithoutEnd
        #else
            let isTransferOver = true
        #endif
        if let transfer = state.transfer, isTransferOver, now >= transfer.deadline {
            mark(.transferTimedOut)
            endTransfer(.timedOut)
        }
        if mustStepAside {
            mark(.leaverSteppedAside)
            return becomeFollower(term: hardState.term, leader: nil)
        }
        if now >= state.quorumDeadline {
            let inTouch = log.membership.isQuorum { node in
                node == id || state.peers.contains { $0.id == node && $0.isActive }
            }
            #if AMAS_MUTANTS
                let leadsOn = inTouch || Mutant.active == .leaderIgnoresLostQuorum
            #else
                let leadsOn = inTouch
            #endif
            guard leadsOn else {
                mark(.leaderLostQuorum)
                return becomeFollower(term: hardState.term, leader: nil)
            }
            leadership?.quorumDeadline = now + settings.electionMilliseconds
            for place in state.peers.indices { leadership?.peers[place].isActive = false }
        }
        guard leadsPastDiskStall() else { return }
        if now >= state.heartbeatDeadline {
            promoteWhoHasCaughtUp()
            startRound()
        }
    }

    /// A leader whose disk stands still keeps everybody calm with heartbeats and yet applies nothing (P13): it hands over to a
    /// member whose disk works, or, if nobody takes over, stops being heard. Returns whether it still leads.
    private mutating func leadsPastDiskStall() -> Bool {
        guard let since = log.oldestWriteSince, now.since(since) >= settings.diskStallMilliseconds else { return true }
        guard log.membership.voters.count > 1 else { return true }
        if now.since(since) >= 2 * settings.diskStallMilliseconds {
            mark(.stalledLeaderResigned)
            becomeFollower(term: hardState.term, leader: nil)
            return false
        }
        if leadership?.transfer == nil {
            mark(.stalledLeaderHandedOver)
            transferLeadership(to: nil)
        }
        return true
    }

    /// A leader that lost its place tells those who wait. What it appended may still be committed by a later leader.
    /// A newer term means that whoever was told to take over has most probably done so.
    mutating func resign(isDeposed: Bool) {
        guard let state = leadership else { preconditionFailure("a leader has its leadership") }
        if !state.reads.isEmpty { mark(.readsLostWithLeadership) }
        for read in state.reads { emit(.readRejected(read.token, .notLeader(leader: nil))) }
        if let transfer = state.transfer {
            if transfer.told, isDeposed { mark(.transferSeenCompleted) }
            emit(.transferEnded(transfer.told && isDeposed ? .completed(transfer.target) : .timedOut))
        }
        leadership = nil
        leader = nil
    }

    // MARK: Proposals

    mutating func propose(_ proposals: [Proposal]) {
        guard role == .leader, let state = leadership else {
            return emit(.proposalsRejected(proposals.map(\.token), .notLeader(leader: leader)))
        }
        guard state.transfer == nil else { return emit(.proposalsRejected(proposals.map(\.token), .transferring)) }
        var uncommitted = state.uncommittedBytes
        var tooLarge: [UInt64] = []
        var overload: [UInt64] = []
        for proposal in proposals {
            if proposal.data.count > settings.maximumProposalBytes {
                tooLarge.append(proposal.token)
                continue
            }
            let entry = Entry(index: log.last.index.next, term: hardState.term, kind: .command, data: proposal.data)
            // One is always let in, so that a limit below the size of a proposal cannot stop the cluster.
            if uncommitted > 0, uncommitted + entry.sizeInBytes > settings.maximumUncommittedBytes {
                overload.append(proposal.token)
                continue
            }
            append(entry)
            uncommitted += entry.sizeInBytes
        }
        leadership?.uncommittedBytes = uncommitted
        if !tooLarge.isEmpty {
            emit(.proposalsRejected(tooLarge, .tooLarge(limitBytes: settings.maximumProposalBytes)))
        }
        if !overload.isEmpty {
            mark(.proposalOverload)
            emit(.proposalsRejected(overload, .overloaded))
        }
        broadcastAppends()
    }

    // MARK: Commit

    /// Commits what a quorum holds durably, if it is of this leader's term: an entry of an older term is committed only
    /// together with one of the own (Raft §5.4.2, figure 8).
    mutating func advanceCommit() {
        guard role == .leader, let state = leadership else { return }
        let reached = log.membership.quorumValue { node in
            #if AMAS_MUTANTS
                if node == id, Mutant.active == .leaderCountsUnsynced { return log.last.index }
            #endif
            if node == id { return log.durable }
            guard let place = state.place(of: node) else { return .zero }
            return state.peers[place].match
        }
        #if AMAS_MUTANTS
            let isOwn = Mutant.active == .commitsOlderTermByCounting
        #else
            let isOwn = false
        #endif
        guard let reached, reached > log.commit else { return }
        guard isOwn || log.term(at: reached) == hardState.term else { return mark(.olderTermNotCounted) }
        let wasConfirmed = ownTermIsCommitted
        leadership?.uncommittedBytes -= log.bytes(after: max(log.commit, state.firstOfTerm), through: reached)
        log.commit(to: reached)
        for place in state.peers.indices { tellCommit(to: place) }
        continueMembershipChange()
        if !wasConfirmed, ownTermIsCommitted, !(leadership?.reads.isEmpty ?? true) { startRound() }
    }

    // MARK: Links

    mutating func leaderLostLink(to peer: NodeID) {
        guard let place = leadership?.place(of: peer) else { return }
        // What was in flight is lost with the connection.
        leadership?.peers[place].becomeProbe()
        leadership?.peers[place].isHeard = false
    }

    mutating func leaderGainedLink(to peer: NodeID) {
        guard let place = leadership?.place(of: peer) else { return }
        leadership?.peers[place].becomeProbe()
        sendAppend(to: place, evenIfEmpty: true)
    }
}
