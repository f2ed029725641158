/// A read that waits until it is certain that this leader was not yet deposed when it came.
struct PendingRead: Hashable, Sendable {
    var token: ReadToken
    /// The round of heartbeats that confirms it.
    var round: UInt64
    /// The commit index when the round began.
    var index: LogIndex
}

// Linearizable reads without a write: ReadIndex (thesis §6.4). A round of heartbeats answered by a quorum proves that nobody
// else led when the round began; the commit index of that moment covers every write acknowledged before it.
extension Raft {
    mutating func read(_ token: ReadToken) {
        // No copy of `leadership` is held here: appending would then copy every waiting read.
        guard role == .leader, let waiting = leadership?.reads.count, let round = leadership?.round else {
            return emit(.readRejected(token, .notLeader(leader: leader)))
        }
        guard waiting < settings.maximumPendingReads else { return emit(.readRejected(token, .overloaded)) }
        if !ownTermIsCommitted { mark(.readBeforeOwnTermCommit) }
        leadership?.reads.append(PendingRead(token: token, round: round + 1, index: log.commit))
        // Reads that come while a round is under way share the next one.
        if ownTermIsCommitted, leadership?.confirmedRound == round { startRound() }
    }

    /// Sends heartbeats to everybody; their answers confirm all reads that came before.
    mutating func startRound() {
        guard let state = leadership else { return }
        leadership?.round = state.round + 1
        leadership?.heartbeatDeadline = now + settings.heartbeatMilliseconds
        if ownTermIsCommitted {
            for place in state.reads.indices where state.reads[place].round > state.round {
                leadership?.reads[place].index = log.commit
            }
        } else {
            // What is committed is not known yet: these reads take part in the next round.
            for place in state.reads.indices { leadership?.reads[place].round = state.round + 2 }
        }
        for peer in state.peers {
            send(.heartbeat(commit: min(peer.match, log.commit), round: state.round + 1), to: peer.id)
        }
        confirmReads()
    }

    mutating func confirmReads() {
        guard let state = leadership else { return }
        let confirmed = log.membership.quorumValue { node in
            if node == id { return state.round }
            guard let place = state.place(of: node) else { return 0 }
            return state.peers[place].acknowledgedRound
        }
        guard let confirmed, confirmed > state.confirmedRound else { return }
        precondition(confirmed <= state.round, "nobody answers a round that has not begun")
        leadership?.confirmedRound = confirmed
        for read in state.reads where read.round <= confirmed {
            precondition(ownTermIsCommitted, "a read takes part in a round only once the own term is committed")
            emit(.readReady(read.token, index: read.index))
        }
        leadership?.reads.removeAll { $0.round <= confirmed }
        if confirmed == state.round, ownTermIsCommitted, !(leadership?.reads.isEmpty ?? true) { startRound() }
    }
}
