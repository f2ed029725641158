// Log replication (Raft §5.3). A leader keeps a few messages in flight to every member: with more of them each would carry
// less. What is proposed meanwhile travels together in the next one.
extension Raft {
    // MARK: Leader

    mutating func broadcastAppends() {
        guard let count = leadership?.peers.count else { return }
        for place in 0..<count { sendAppend(to: place, evenIfEmpty: false) }
    }

    /// Sends the member what it lacks, as far as the flow control allows.
    mutating func sendAppend(to place: Int, evenIfEmpty: Bool) {
        guard var peer = leadership?.peers[place] else { return }
        var mayBeEmpty = evenIfEmpty
        while true {
            switch peer.state {
            case .probe(let waiting):
                if waiting { return }
            case .replicate:
                if peer.inFlight.count >= settings.maximumInFlightAppends { return }
            case .snapshot:
                return
            }
            guard let previousTerm = log.term(at: peer.next.previous) else { return sendSnapshot(to: place) }
            let entries = log.slice(from: peer.next, maximumBytes: settings.maximumAppendBytes)
            if entries.isEmpty && !mayBeEmpty { return }
            mayBeEmpty = false
            let previous = LogPosition(index: peer.next.previous, term: previousTerm)
            send(.appendEntries(.init(previous: previous, entries: entries, commit: log.commit)), to: peer.id)
            peer.toldCommit = log.commit
            switch peer.state {
            case .probe:
                peer.state = .probe(waiting: true)
                peer.repeatNotBefore = now + settings.repetitionMilliseconds
            case .replicate:
                if let last = entries.last {
                    peer.next = last.index.next
                    peer.inFlight.append(last.index)
                }
            case .snapshot:
                preconditionFailure("nothing is appended while a snapshot is on its way")
            }
            leadership?.peers[place] = peer
            if entries.isEmpty { return }
        }
    }

    /// Lets the member apply what has been committed, with the next entries if there are any.
    mutating func tellCommit(to place: Int) {
        sendAppend(to: place, evenIfEmpty: false)
        guard let peer = leadership?.peers[place] else { return }
        let commit = min(peer.match, log.commit)
        guard commit > peer.toldCommit else { return }
        leadership?.peers[place].toldCommit = commit
        send(.heartbeat(commit: commit, round: 0), to: peer.id)
    }

    /// Notes that the member lives. Returns its place, or nil if this node does not lead it.
    private mutating func heard(_ peer: NodeID) -> Int? {
        guard role == .leader, let place = leadership?.place(of: peer) else { return nil }
        leadership?.peers[place].isActive = true
        leadership?.peers[place].lastContact = now
        leadership?.peers[place].isHeard = true
        return place
    }

    mutating func receiveAccepted(_ match: LogIndex, from peer: NodeID) {
        guard let place = heard(peer) else { return }
        precondition(match <= log.last.index, "a member acknowledges what the leader sent")
        _ = leadership?.peers[place].accepted(match)
        advanceCommit()
        // The commit may have ended this leadership, or have followed other members.
        guard let place = leadership?.place(of: peer) else { return }
        // Also told to one whose answer was not needed for it: requests wait there until they are applied.
        tellCommit(to: place)
        continueTransfer(with: place)
    }

    mutating func receiveRejected(_ rejected: LogIndex, hint: LogPosition, from peer: NodeID) {
        guard let place = heard(peer), let progress = leadership?.peers[place] else { return }
        switch progress.state {
        case .snapshot: return
        case .replicate: if rejected <= progress.match { return }
        case .probe: if rejected != progress.next.previous { return }
        }
        // Skips whole terms on both sides, so that a long divergent tail costs a few rounds and not one an entry (P25).
        let agreed = log.lastPosition(notAbove: min(hint.index, rejected.previous), term: hint.term)
        if agreed.index < rejected.previous { mark(.conflictSkippedTerm) }
        if agreed.index < progress.match {
            mark(.memberForgot)
            // What it had on disk it has no more. Nothing counts but what it acknowledges from now on.
            leadership?.peers[place].match = .zero
            emit(.memberForgot(peer, acknowledged: progress.match, last: agreed.index))
        }
        leadership?.peers[place].becomeProbe()
        leadership?.peers[place].next = agreed.index.next
        sendAppend(to: place, evenIfEmpty: true)
    }

    mutating func receiveHeartbeatResponse(round: UInt64, from peer: NodeID) {
        guard let place = heard(peer), let progress = leadership?.peers[place] else { return }
        #if AMAS_MUTANTS
            let round = Mutant.active == .lateAnswersConfirmReads ? leadership?.round ?? round : round
        #endif
        if round < leadership?.round ?? round, !(leadership?.reads.isEmpty ?? true) { mark(.lateRoundAnswered) }
        leadership?.peers[place].acknowledgedRound = max(progress.acknowledgedRound, round)
        confirmReads()
        repeatUnanswered(to: place)
    }

    /// The member lives. What it has not answered may have been lost: ask again where the logs agree.
    private mutating func repeatUnanswered(to place: Int) {
        guard let progress = leadership?.peers[place] else { return }
        if let time = progress.repeatNotBefore, now < time { return }
        switch progress.state {
        case .probe:
            leadership?.peers[place].state = .probe(waiting: false)
            sendAppend(to: place, evenIfEmpty: true)
        case .replicate:
            // The whole window stood since the last look: either the member is slow, and the repetition finds what it
            // already has, or something was lost, and the repetition brings it.
            if let oldest = progress.inFlight.first, oldest <= progress.unansweredAtLastLook {
                mark(.windowRepeated)
                leadership?.peers[place].becomeProbe()
                sendAppend(to: place, evenIfEmpty: true)
            } else {
                leadership?.peers[place].unansweredAtLastLook = progress.inFlight.last ?? .zero
                leadership?.peers[place].repeatNotBefore = now + settings.repetitionMilliseconds
                if progress.match < log.last.index { sendAppend(to: place, evenIfEmpty: progress.inFlight.isEmpty) }
            }
        case .snapshot:
            // Its bytes were handed over long ago, and it was not acknowledged: either the acknowledgement was lost, and the
            // probe finds the snapshot there, or the bytes were, and the rejection brings them again (P17).
            guard progress.repeatNotBefore != nil else { return }
            leadership?.peers[place].becomeProbe()
            sendAppend(to: place, evenIfEmpty: true)
        }
    }

    // MARK: Follower

    private mutating func follow(_ sender: NodeID) {
        precondition(role != .leader, "two leaders in term \(hardState.term): \(id) and \(sender)")
        becomeFollower(term: hardState.term, leader: sender)
        lastLeaderContact = now
    }

    mutating func receiveAppend(_ append: Message.AppendEntries, from sender: NodeID) {
        follow(sender)
        guard installing == nil else { return }
        let previous = append.previous
        guard previous.index >= log.commit || log.term(at: previous.index) != nil else {
            // Compacted here, hence committed, hence the leader's own.
            mark(.appendBehindCompaction)
            return sendOnceDurable(.appendAccepted(match: log.commit), to: sender)
        }
        #if AMAS_MUTANTS
            let isUnchecked = Mutant.active == .appendWithoutPrevious && previous.index <= log.last.index
        #else
            let isUnchecked = false
        #endif
        guard isUnchecked || log.term(at: previous.index) == previous.term else {
            let limit = min(previous.index.previous, log.last.index)
            let hint = log.lastPosition(notAbove: limit, term: previous.term)
            return send(.appendRejected(rejected: previous.index, hint: hint), to: sender)
        }
        var lastNew = previous.index
        for entry in append.entries {
            precondition(entry.index == lastNew.next && entry.term <= hardState.term, "a leader sends its log in order")
            lastNew = entry.index
            if entry.index <= log.last.index {
                #if AMAS_MUTANTS
                    let mayKeep = Mutant.active != .appendAlwaysTruncates || entry.index <= log.commit
                #else
                    let mayKeep = true
                #endif
                if mayKeep, log.term(at: entry.index) == entry.term { continue }
                truncate(from: entry.index)
            }
            self.append(entry)
        }
        log.commit(to: min(append.commit, lastNew))
        sendOnceDurable(.appendAccepted(match: lastNew), to: sender)
    }

    mutating func receiveHeartbeat(commit: LogIndex, round: UInt64, from sender: NodeID) {
        follow(sender)
        if installing == nil {
            if commit <= log.last.index {
                log.commit(to: commit)
            } else {
                // The leader counts on a disk that this node has no more. Without an answer it would never ask again, nor learn
                // of it (P22).
                mark(.leaderCountsOnLostDisk)
            }
        }
        if round > 0 { send(.heartbeatResponse(round: round), to: sender) }
    }
}
