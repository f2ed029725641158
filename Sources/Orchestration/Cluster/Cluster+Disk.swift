public import ClusterState
import Raft
import RaftServer

// The disks of the logs. A node whose disk is full says so by a command, so that every node knows it: it is
// given no tasks, hands over leadership, and is not counted on for new work (`design/state.md` 13, 15). One whose disk does not
// answer is given no tasks either, but it lags only, as far as the others are concerned: no work is refused on its account.
extension NodeView {
    /// Whether the node has said that its log's disk takes nothing.
    public var hasDiskTrouble: Bool {
        status == .suspended && record.suspensionReason == UInt32(SuspensionReasonCode.diskStall.rawValue)
    }
}

extension Cluster {
    /// Whether a quorum has room for more than what finishes and frees work.
    var hasRoomForWork: Bool {
        let state = machine.state
        guard let status = server.status else { return true }
        func hasRoom(_ node: NodeID) -> Bool {
            if node == identity.node, status.logTrouble?.isOfRoom == true { return false }
            return state.node(node)?.hasDiskTrouble != true
        }
        if status.membership.voters.allSatisfy(hasRoom) { return true }
        let members = ClusterMembers(
            status, links: server.links, report: reports.latest, limits: configuration.limits
        ).members
        return status.membership.isQuorum { node in
            hasRoom(node) && members.contains { $0.id == node && $0.isReached }
        }
    }
}

extension Command.OneOf_Body {
    /// Whether it brings work that the log must have room for, and not only ends, frees or fences some.
    var bringsWork: Bool {
        switch self {
        case .submitTask, .executeTask: true
        default: false
        }
    }
}
