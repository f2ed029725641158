// Changes of membership (Raft §6; thesis §4.3). A configuration is in force as soon as it is appended. One change is under way
// at a time: a joint configuration, once committed, is followed by the one that it leads to. Whoever leads when the joint one
// is committed goes on with it, so a change never hangs on the leader that began it.
extension Raft {
    mutating func changeMembership(_ token: UInt64, _ change: MembershipChange) {
        do throws(MembershipRejection) {
            guard role == .leader else { throw .notLeader(leader: leader) }
            guard leadership?.transfer == nil else { throw .transferring }
            guard mayChangeMembership else {
                mark(ownTermIsCommitted ? .changeWhileChanging : .changeBeforeOwnTermCommit)
                throw .busy
            }
            let target = try log.membership.changed(by: change)
            try requireCaughtUp(target.voters.filter { !log.membership.voters.contains($0) })
            try requireQuorum(of: target)
            enter(target)
            emit(.membershipChangeAccepted(token, index: log.membershipIndex))
        } catch {
            emit(.membershipChangeRejected(token, error))
        }
    }

    /// P1: the leader knows that the configuration in force is committed only once it has committed an entry of its own term.
    private var mayChangeMembership: Bool {
        #if AMAS_MUTANTS
            if Mutant.active == .changesMembersInOneStep {
                return !log.membership.isJoint && log.membershipIndex <= log.commit
            }
        #endif
        return ownTermIsCommitted && !log.membership.isJoint && log.membershipIndex <= log.commit
    }

    private func requireCaughtUp(_ nodes: [NodeID]) throws(MembershipRejection) {
        for node in nodes where node != id {
            guard let place = leadership?.place(of: node), let peer = leadership?.peers[place] else {
                preconditionFailure("a leader follows the progress of every member")
            }
            guard isRecognized(node) else { throw .isNotRecognized(node) }
            guard hasCaughtUp(peer) else {
                throw .hasNotCaughtUp(node, missing: log.commit.rawValue - min(peer.match, log.commit).rawValue)
            }
        }
    }

    /// As of the configuration in force, which may have brought the node under another folder.
    private func isRecognized(_ node: NodeID) -> Bool {
        guard let recognized else { return true }
        return recognized.contains(node) && log.applied >= log.membershipIndex
    }

    private func hasCaughtUp(_ peer: Progress) -> Bool {
        peer.state == .replicate && canCount(on: peer)
            && peer.match.rawValue + settings.caughtUpEntries >= log.commit.rawValue
    }

    /// A change that needs one that does not answer stops the cluster, so time that was given to it is not enough here.
    private func canCount(on peer: Progress) -> Bool { peer.isHeard && peer.isInTouch(at: now, settings) }

    private func requireQuorum(of target: Membership) throws(MembershipRejection) {
        guard target.voters != log.membership.voters else { return }
        let inTouch = target.voters.filter { node in
            node == id || leadership?.peers.contains { $0.id == node && canCount(on: $0) } ?? false
        }
        guard inTouch.count >= target.majority else {
            throw .quorumAtRisk(inTouch: inTouch.count, needed: target.majority)
        }
    }

    /// Joining members that have caught up become voters, as many as leave an odd number of voters.
    mutating func promoteWhoHasCaughtUp() {
        guard let state = leadership, state.transfer == nil, mayChangeMembership else { return }
        let membership = log.membership
        var ready = membership.joining.filter { node in
            state.peers.contains { $0.id == node && hasCaughtUp($0) } && isRecognized(node)
        }
        ready = Array(ready.prefix(Membership.maximumVoters - membership.voters.count))
        if (membership.voters.count + ready.count).isMultiple(of: 2) { ready = ready.dropLast() }
        guard !ready.isEmpty, let target = try? membership.changed(by: .promote(ready)) else { return }
        mark(.promotedWhenCaughtUp)
        enter(target)
    }

    private mutating func enter(_ target: Membership) {
        #if AMAS_MUTANTS
            let difference = Set(target.voters).symmetricDifference(log.membership.voters)
            if Mutant.active == .changesMembersInOneStep, difference.count <= 1 { return appendMembership(target) }
        #endif
        appendMembership(log.membership.entering(target))
    }

    private mutating func appendMembership(_ membership: Membership) {
        let entry = Entry(
            index: log.last.index.next, term: hardState.term, kind: .configuration, data: membership.encoded()[...])
        append(entry)
        leadership?.uncommittedBytes += entry.sizeInBytes
        followMembers()
        broadcastAppends()
    }

    /// A new member is followed from now on, and one that comes back without its disk is followed anew: what it acknowledged
    /// before counts no more. One that leaves is told until its leaving is committed, so that it learns of it.
    private mutating func followMembers() {
        guard let state = leadership else { return }
        let membership = log.membership
        var peers = state.peers.filter { !(membership.outgoing.contains($0.id) && membership.joining.contains($0.id)) }
        if peers.count < state.peers.count { mark(.memberFollowedAnew) }
        for node in membership.members where node != id && !peers.contains(where: { $0.id == node }) {
            peers.append(Progress(id: node, next: log.last.index, now: now))
        }
        leadership?.peers = peers.sorted { $0.id < $1.id }
    }

    /// After the commit index has risen.
    mutating func continueMembershipChange() {
        guard ownTermIsCommitted, log.membershipIndex <= log.commit else { return }
        guard !log.membership.isJoint else {
            if log.term(at: log.membershipIndex) != hardState.term { mark(.jointLeftByAnother) }
            return appendMembership(log.membership.leaving)
        }
        let members = log.membership.members
        leadership?.peers.removeAll { !members.contains($0.id) }
        // A leader that is no voter any more has led its own leaving to the end (thesis §4.2.2).
        if !log.membership.isVoter(id), leadership?.transfer == nil { transferLeadership(to: nil) }
    }

    /// Whether a leader without a vote has nobody to hand over to, and so only stands in the way.
    var mustStepAside: Bool {
        ownTermIsCommitted && log.membershipIndex <= log.commit && !log.membership.isVoter(id)
            && leadership?.transfer == nil
    }
}
