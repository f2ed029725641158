public import ClusterState
import Raft

/// Why a member does not take part as it shall, as far as whoever looks can tell.
public enum MemberObstacle: Equatable, Sendable {
    case unreached
    /// So many entries are missing; nil if nobody knows.
    case behind(entries: UInt64?)
    /// It has caught up, and the leader is about to give it the vote.
    case dueToVote
    /// It has caught up, and its vote would leave an even number of voters.
    case partner

    /// A sentence about the member.
    public func description(of name: String) -> String {
        switch self {
        case .unreached: "\(name) is not reached"
        case .behind(nil): "\(name) has not caught up"
        case .behind(let entries?): "\(name) has not caught up: \(entries) entries are missing"
        case .dueToVote: "\(name) has caught up, and is about to vote"
        case .partner: "\(name) has caught up, and votes when another has"
        }
    }
}

extension ClusterMembers {
    /// Nil for one that takes part as it shall, that waits for others than itself, or that the configuration does not have yet.
    public func obstacle(of member: MemberView, in state: ClusterState) -> MemberObstacle? {
        guard let seen = members.first(where: { $0.id == member.id }) else { return nil }
        switch seen.role {
        case .voter: return nil
        case .gateway:
            // Once it has come it is as it shall be, and may be down as any other.
            guard state.node(member.id) == nil else { return nil }
            return seen.isReached ? .behind(entries: seen.lagEntries) : .unreached
        case .joining:
            guard seen.isReached else { return .unreached }
            guard seen.hasCaughtUp else { return .behind(entries: seen.lagEntries) }
            // Until that one has ended its tasks and clients.
            guard member.record.replaces == 0 else { return nil }
            let voters = members.count { $0.role == .voter }
            let ready = members.count { $0.role == .joining && $0.isReached && $0.hasCaughtUp }
            return ready == 1 && !voters.isMultiple(of: 2) ? .partner : .dueToVote
        }
    }

    /// Whether the member is as it shall be, but for a vote that waits for another member.
    public func isSettled(_ member: MemberView, in state: ClusterState) -> Bool {
        guard member.isSettled else { return false }
        switch obstacle(of: member, in: state) {
        case nil, .partner: return true
        case .unreached, .behind, .dueToVote: return false
        }
    }
}

extension MemberStatus {
    fileprivate var hasCaughtUp: Bool {
        guard let match else { return false }
        return match > .zero && !isFarBehind
    }
}
