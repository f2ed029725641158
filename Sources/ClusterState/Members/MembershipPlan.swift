public import Raft

/// The next step from Raft's membership to the one that is wanted.
public enum MembershipPlan {
    /// Nil if nothing is to be done now. Votes for members that join are given by Raft itself.
    /// - Parameter busy: members that shall leave, and do not yet: until then they forward what their clients ask.
    public static func next(
        _ membership: Membership, _ members: [MemberView], busy: [NodeID]
    ) -> MembershipChange? {
        guard !membership.isJoint else { return nil }
        // First who may have forgotten what it promised.
        for member in members where member.record.nextIncarnation != 0 && membership.voters.contains(member.id) {
            return .rejoin(member.id)
        }
        let present = Set(membership.members)
        let leaving = members.filter { $0.wanted == nil && present.contains($0.id) }.map(\.id)
        if !leaving.isEmpty {
            if leaving.contains(where: busy.contains) { return nil }
            guard membership.voters.allSatisfy(leaving.contains) else { return .remove(leaving) }
            // Who was to stay has lost its vote meanwhile: it comes back, and takes that of one that leaves.
            if let heir = members.first(where: { $0.wanted == .voter && membership.joining.contains($0.id) }) {
                return .replace(membership.voters[0], with: heir.id)
            }
        }
        for member in members where !present.contains(member.id) {
            switch member.wanted {
            case .voter: return .join(member.id)
            case .gateway: return .addGateway(member.id)
            case .joining, nil: continue
            }
        }
        for member in members where member.record.replaces != 0 {
            let old = NodeID(member.record.replaces)
            guard present.contains(old), !busy.contains(old) else { continue }
            // An even number of voters had room for the newcomer at once, or the old one has lost its vote with its disk.
            let takesVote = membership.voters.contains(old) && !membership.voters.contains(member.id)
            return takesVote ? .replace(old, with: member.id) : .remove([old])
        }
        return nil
    }
}
