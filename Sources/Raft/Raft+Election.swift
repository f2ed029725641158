/// A campaign: who has answered what.
struct Ballot: Hashable, Sendable {
    var granted: [NodeID] = []
    var refused: [NodeID] = []

    mutating func count(_ voter: NodeID, granted isGranted: Bool) {
        guard !granted.contains(voter), !refused.contains(voter) else { return }
        if isGranted { granted.append(voter) } else { refused.append(voter) }
    }
}

// Elections (Raft §5.2, §5.4.1) with pre-vote (thesis §9.6), and with stickiness: who hears a leader does not vote another
// one in. A leader that no longer hears a quorum steps down by itself (`tickLeadership`). Each alone is known to be
// incomplete: pre-vote alone lets a partially connected node depose a leader, a quorum check alone lets a node with a higher
// term be shut out for ever.
extension Raft {
    mutating func resetElectionDeadline() {
        electionDeadline =
            now + (settings.electionMilliseconds + jitter.next(below: settings.electionJitterMilliseconds + 1))
    }

    /// Whether this node has reason to believe in a living leader.
    var hearsLeader: Bool {
        if role == .leader { return true }
        return leader != nil && suspicion == nil && now.since(lastLeaderContact) < settings.electionMilliseconds
    }

    /// Also a voter that its newest membership leaves out, until that is committed: those who stay may lack it, and could not
    /// be elected against the longer logs of those who leave (thesis §4.2.2, figure 4.6). It does not count itself.
    var canCampaign: Bool {
        #if AMAS_MUTANTS
            if Mutant.active == .leaverDoesNotCampaign { return log.membership.isVoter(id) && installing == nil }
            if Mutant.active == .newcomerCampaigns { return log.mayBeVoter(id) && installing == nil }
        #endif
        return log.mayBeVoter(id) && installing == nil && !isNewcomer
    }

    mutating func becomeFollower(term: Term, leader newLeader: NodeID?) {
        precondition(term >= hardState.term, "terms never decrease")
        let isNewer = term > hardState.term
        if isNewer { hardState = HardState(term: term, votedFor: nil) }
        #if AMAS_MUTANTS
            if Mutant.active == .forgetsVoteOnStepDown, newLeader == nil { hardState.votedFor = nil }
        #endif
        if role == .leader { resign(isDeposed: isNewer) }
        role = .follower
        ballot = nil
        leadership = nil
        leader = newLeader
        if newLeader != nil {
            suspicion = nil
            timeoutsLeftToOthers = RaftSettings.highestPriority - settings.priority
        }
        resetElectionDeadline()
        precondition(leader != id, "a leader is not its own follower")
    }

    mutating func tickElection() {
        guard now >= electionDeadline else { return }
        guard canCampaign else {
            if isNewcomer, log.mayBeVoter(id) { mark(.newcomerHeldBack) }
            resetElectionDeadline()
            leader = nil
            return
        }
        // Under suspicion the stagger has let the others go first.
        if timeoutsLeftToOthers > 0, suspicion == nil, !log.membership.isQuorum({ $0 == id }) {
            mark(.electionLeftToHigherPriority)
            timeoutsLeftToOthers -= 1
            leader = nil
            return resetElectionDeadline()
        }
        startPreVote()
    }

    private mutating func startPreVote() {
        precondition(role != .leader, "a leader does not campaign")
        if suspicion != nil { mark(.electionOnClosedLink) }
        if !log.membership.isVoter(id) { mark(.campaignOfLeaver) }
        role = .preCandidate
        leader = nil
        ballot = Ballot(granted: [id])
        resetElectionDeadline()
        hastenRetryWhileSuspecting()
        if ballotIsWon { return campaign(transfer: false) }
        for peer in otherVoters { send(.preVoteRequest(lastLog: log.last), to: peer) }
    }

    mutating func campaign(transfer: Bool) {
        precondition(canCampaign, "only a voter campaigns")
        hardState = HardState(term: hardState.term.next, votedFor: id)
        role = .candidate
        leader = nil
        ballot = Ballot()
        resetElectionDeadline()
        // The requests speak of this log and this vote: were they sent before both are durable, a restarted candidate could
        // be elected on the strength of entries it no longer has.
        sendOnceDurable(.voteResponse(granted: true), to: id)
        for peer in otherVoters { sendOnceDurable(.voteRequest(lastLog: log.last, transfer: transfer), to: peer) }
    }

    private var otherVoters: [NodeID] { log.membership.members.filter { $0 != id && log.membership.isVoter($0) } }

    private var ballotIsWon: Bool {
        guard let ballot else { return false }
        return log.membership.isQuorum { ballot.granted.contains($0) }
    }

    private var ballotIsLost: Bool {
        guard let ballot else { return false }
        return !log.membership.isQuorum { !ballot.refused.contains($0) }
    }

    // MARK: Answering

    /// Whether a message of a newer term may begin that term here. A vote asked for while the leader is heard may not,
    /// unless that leader itself asked for the campaign.
    func acceptsNewerTerm(of message: Message) -> Bool {
        guard case .voteRequest(_, let transfer) = message.body else { return true }
        return transfer || !hearsLeader
    }

    mutating func answerPreVote(from candidate: NodeID, term: Term, lastLog: LogPosition) {
        // Also asked of learners: the candidate may know of a promotion that this node has not heard of (P20).
        #if AMAS_MUTANTS
            let isUpToDate = Mutant.active == .votesForShorterLog || lastLog >= log.last
        #else
            let isUpToDate = lastLog >= log.last
        #endif
        let granted = !hearsLeader && term.next > hardState.term && isUpToDate
        send(.preVoteResponse(granted: granted, candidacy: term.next), to: candidate)
    }

    mutating func answerVote(from candidate: NodeID, lastLog: LogPosition) {
        let free = hardState.votedFor == nil && leader == nil
        #if AMAS_MUTANTS
            let isUpToDate = Mutant.active == .votesForShorterLog || lastLog >= log.last
        #else
            let isUpToDate = lastLog >= log.last
        #endif
        guard (free || hardState.votedFor == candidate) && isUpToDate else {
            return send(.voteResponse(granted: false), to: candidate)
        }
        precondition(role == .follower || role == .preCandidate, "a candidate's own vote is given")
        // A late repetition of the request repeats the answer, and changes nothing: the candidate may lead by now.
        if !log.membership.isVoter(id) { mark(.voteByLearner) }
        if free {
            becomeFollower(term: hardState.term, leader: nil)
            hardState.votedFor = candidate
        }
        sendOnceDurable(.voteResponse(granted: true), to: candidate)
    }

    // MARK: Counting

    mutating func countPreVote(from voter: NodeID, granted: Bool, candidacy: Term) {
        guard role == .preCandidate, candidacy == hardState.term.next, log.membership.isVoter(voter) else { return }
        ballot?.count(voter, granted: granted)
        if ballotIsWon { campaign(transfer: false) }
    }

    mutating func countVote(from voter: NodeID, granted: Bool) {
        guard role == .candidate, log.membership.isVoter(voter) else { return }
        ballot?.count(voter, granted: granted)
        if ballotIsWon {
            becomeLeader()
        } else if ballotIsLost {
            mark(.ballotLost)
            becomeFollower(term: hardState.term, leader: nil)
        }
    }
}
