public import ClusterState
public import Raft
import RaftServer

/// Why a change of the members is not proposed.
///
/// It belongs to whoever proposes, not to `apply`: old logs may hold such commands, and what those meant must stay
/// (`design/state.md` 1). So it is judged by the state that the proposer has, and of two that propose at the same moment one
/// may slip through.
public enum MemberObjection: Equatable, Sendable {
    case addressTaken(by: NodeID)
    case nameTaken(by: NodeID)
    /// It could be given the vote together with the newcomer: then neither would replace anybody.
    case joining(NodeID)
    /// It has no vote that another could take over.
    case hasNoVote(NodeID)
}

extension ClusterState {
    /// - Parameter old: the member that the new one replaces; what that one has may be taken over.
    public func objection(toAdding new: MemberAdded, replacing old: NodeID? = nil) -> MemberObjection? {
        if let old {
            // It is asked for again.
            if member(NodeID(new.nodeID))?.record.replaces == old.rawValue { return nil }
            if member(old)?.role != .voter { return .hasNoVote(old) }
            if let joiner = members.first(where: { $0.role == .joining }) { return .joining(joiner.id) }
        }
        for other in members where other.id != NodeID(new.nodeID) && other.id != old {
            let own = node(other.id)?.record
            let address = PeerAddress(other.record.peerAddress) ?? own.flatMap { PeerAddress($0.peerAddress) }
            if let address, address == PeerAddress(new.peerAddress) { return .addressTaken(by: other.id) }
            let name = own?.name ?? other.record.name
            if !name.isEmpty, name == new.name { return .nameTaken(by: other.id) }
        }
        return nil
    }
}
