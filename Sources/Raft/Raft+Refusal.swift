// Peers are authenticated, and may yet be wrong: a bug, a disk that forgot, a frame damaged past its checksum. What they say
// must not be able to end this process. The codec refuses what no member of any cluster says; this refuses what contradicts
// what this node knows. The assertions behind it stay: they would find a hole in these two.
extension Raft {
    /// Whether a message of the present term can come from a correct member, as far as this node can tell.
    func isPlausible(_ message: Message) -> Bool {
        switch message.body {
        case .appendEntries(let append):
            return isOnlyLeader(message.from) && (installing != nil || !contradictsCommitted(append))
        case .heartbeat, .installSnapshot:
            return isOnlyLeader(message.from)
        case .appendAccepted(let match):
            return role != .leader || match <= log.last.index
        case .heartbeatResponse(let round):
            return round <= leadership?.round ?? round
        case .preVoteRequest, .preVoteResponse, .voteRequest, .voteResponse, .appendRejected, .timeoutNow, .staleTerm:
            return true
        }
    }

    /// Whether nobody else is known to lead in the present term.
    private func isOnlyLeader(_ sender: NodeID) -> Bool {
        leader == nil || leader == sender
    }

    /// Whether the message would take back a committed entry (P19).
    private func contradictsCommitted(_ append: Message.AppendEntries) -> Bool {
        if differs(at: append.previous.index, from: append.previous.term) { return true }
        for entry in append.entries {
            if entry.index > log.commit { break }
            if differs(at: entry.index, from: entry.term) { return true }
        }
        return false
    }

    /// Whether a committed entry is in the log with another term.
    private func differs(at index: LogIndex, from term: Term) -> Bool {
        guard index <= log.commit, let own = log.term(at: index) else { return false }
        return own != term
    }
}
