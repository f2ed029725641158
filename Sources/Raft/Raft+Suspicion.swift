/// A follower's reason to doubt the leader before the election timeout: the connection to it has closed.
struct Suspicion: Hashable, Sendable {
    var leader: NodeID
    /// Suspicion alone does not last: a link that stays cut while the leader lives elsewhere must not cost a campaign for ever.
    var until: Tick
}

// When a process dies its kernel closes its connections at once, long before an election timeout. Whoever sees the leader's
// connection close asks for pre-votes after a stagger by rank; peers grant them only if they doubt the leader as well, so one
// cut link elects nobody. This shortens the promise on which leases rest, hence this implementation has no lease reads
// (`design/raft.md` §4.4).
extension Raft {
    mutating func linkDown(_ peer: NodeID) {
        if role == .leader { return leaderLostLink(to: peer) }
        guard role == .follower, leader == peer, canCampaign else { return }
        let rivals = log.membership.members.filter { $0 != peer && log.membership.isVoter($0) }
        let rank = rivals.firstIndex(of: id) ?? 0
        suspicion = Suspicion(leader: peer, until: now + settings.electionMilliseconds)
        // All of a higher priority come first, wherever they stand.
        let turn = UInt64(rank) + timeoutsLeftToOthers * UInt64(rivals.count)
        electionDeadline = min(electionDeadline, now + settings.suspicionStaggerMilliseconds * turn)
        if now >= electionDeadline { tickElection() }
    }

    mutating func linkUp(_ peer: NodeID) {
        if role == .leader { leaderGainedLink(to: peer) }
    }

    /// The others may see the connection close a moment later than this node: their refusal is not the last word.
    mutating func hastenRetryWhileSuspecting() {
        guard let doubt = suspicion else { return }
        if now >= doubt.until {
            suspicion = nil
        } else {
            electionDeadline = min(electionDeadline, now + settings.suspicionRetryMilliseconds)
        }
    }
}
