/// A change of who takes part. Whatever it does to the voters happens in one joint step (Raft §6; thesis §4.3), so there is
/// one rule for all of them and none for single servers (P1).
public enum MembershipChange: Hashable, Sendable {
    /// The node catches up in order to vote. The leader promotes it by itself: see ``promote(_:)``.
    case join(NodeID)
    /// The node holds the state and serves, and never votes.
    case addGateway(NodeID)
    /// Joining members that have caught up become voters. The leader does this by itself as soon as it leaves an odd number
    /// of voters.
    case promote([NodeID])
    case remove([NodeID])
    /// A joining member that has caught up votes instead of the old member, which leaves.
    case replace(NodeID, with: NodeID)
    /// The voter has lost what it had on disk: it has forgotten what it promised, and must catch up before it votes again
    /// (P22).
    case rejoin(NodeID)
}

/// Why a change was not begun.
public enum MembershipRejection: Error, Hashable, Sendable {
    case notLeader(leader: NodeID?)
    case transferring
    /// Another change is under way, or the leader has not yet committed an entry of its own term (P1). Ask again shortly.
    case busy
    case isMember(NodeID)
    case isNoMember(NodeID)
    case isNotJoining(NodeID)
    case isNotVoter(NodeID)
    /// The member lacks so many entries, or has not been heard of lately.
    case hasNotCaughtUp(NodeID, missing: UInt64)
    /// Promotion leads to an odd number of voters only: one more than an odd number tolerates no more failures.
    case evenNumberOfVoters(Int)
    /// The cluster does not know the data folder of the member that would vote. Ask again shortly.
    case isNotRecognized(NodeID)
    case noVoters
    case tooManyVoters(limit: Int)
    case tooManyMembers(limit: Int)
    /// Of the voters that would be, too few are in touch with the leader: the change would stop the cluster.
    case quorumAtRisk(inTouch: Int, needed: Int)
}

extension Membership {
    /// More voters make every commit slower and tolerate failures that do not happen together.
    public static let maximumVoters = 7
    public static let maximumMembers = 64

    /// Of how many voters the failure is tolerated.
    public var tolerance: Int { (voters.count - 1) / 2 }
    /// How many voters of a configuration decide.
    public var majority: Int { voters.count / 2 + 1 }

    /// The membership at which the change aims, itself not joint.
    public func changed(by change: MembershipChange) throws(MembershipRejection) -> Membership {
        var voters = voters
        var joining = joining
        var gateways = gateways
        switch change {
        case .join(let node):
            try requireStranger(node)
            joining.append(node)
        case .addGateway(let node):
            try requireStranger(node)
            gateways.append(node)
        case .promote(let nodes):
            for node in nodes {
                guard let place = joining.firstIndex(of: node) else { throw .isNotJoining(node) }
                joining.remove(at: place)
                voters.append(node)
            }
            guard !voters.count.isMultiple(of: 2) else { throw .evenNumberOfVoters(voters.count) }
        case .remove(let nodes):
            for node in nodes {
                guard members.contains(node) else { throw .isNoMember(node) }
                voters.removeAll { $0 == node }
                joining.removeAll { $0 == node }
                gateways.removeAll { $0 == node }
            }
        case .replace(let old, let new):
            guard let leaving = voters.firstIndex(of: old) else { throw .isNotVoter(old) }
            guard let place = joining.firstIndex(of: new) else { throw .isNotJoining(new) }
            joining.remove(at: place)
            voters[leaving] = new
        case .rejoin(let node):
            guard let place = voters.firstIndex(of: node) else { throw .isNotVoter(node) }
            voters.remove(at: place)
            joining.append(node)
        }
        guard !voters.isEmpty else { throw .noVoters }
        guard voters.count <= Self.maximumVoters else { throw .tooManyVoters(limit: Self.maximumVoters) }
        let result = Membership(voters: voters, joining: joining, gateways: gateways)
        guard result.members.count <= Self.maximumMembers else { throw .tooManyMembers(limit: Self.maximumMembers) }
        return result
    }

    private func requireStranger(_ node: NodeID) throws(MembershipRejection) {
        if members.contains(node) { throw .isMember(node) }
    }

    /// The step towards `target` that is safe to take: a joint one where the voters change.
    func entering(_ target: Membership) -> Membership {
        guard target.voters != voters else { return target }
        return Membership(
            voters: target.voters, outgoing: voters, joining: target.joining, gateways: target.gateways)
    }

    /// A joint membership without the voters that it leaves behind.
    var leaving: Membership { Membership(voters: voters, joining: joining, gateways: gateways) }
}
