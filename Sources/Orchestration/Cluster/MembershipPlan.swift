import ClusterState
import Raft

/// The next step from Raft's membership to the one that is wanted.
enum MembershipPlan {
    /// Nil if nothing is to be done now. Votes for members that join are given by Raft itself.
    /// - Parameter busy: members that shall leave, and do not yet: until then they forward what their clients ask.
    static func next(_ membership: Membership, _ members: [MemberView], busy: [NodeID]) -> MembershipChange? {
        guard !membership.isJoint else { return nil }
        // First who may have forgotten what it promised.
        for member in members where member.record.nextIncarnation != 0 && membership.voters.contains(member.id) {
            return .rejoin(member.id)
        }
        let present = Set(membership.members)
        let leaving = members.filter { $0.wanted == nil && present.contains($0.id) }.map(\.id)
        if !leaving.isEmpty { return leaving.contains(where: busy.contains) ? nil : .remove(leaving) }
        for member in members where !present.contains(member.id) {
            switch member.wanted {
            case .voter: return .join(member.id)
            case .gateway: return .addGateway(member.id)
            case .joining, nil: continue
            }
        }
        for member in members where member.record.replaces != 0 {
            let old = NodeID(member.record.replaces)
            guard membership.voters.contains(old), !busy.contains(old) else { continue }
            // An even number of voters had room for the newcomer at once.
            return membership.voters.contains(member.id) ? .remove([old]) : .replace(old, with: member.id)
        }
        return nil
    }
}
