import ClusterState
import HTTPTypes
import NIOCore
import Orchestration
import Raft
import RaftServer

extension Handlers {
    /// `GET /api/v1/cluster`: members, roles, term, leader, indices, lag, failure tolerance, versions, as this node
    /// sees them.
    func readCluster(_ call: Call) async throws(Problem) -> Answer {
        guard let status = cluster.status else { throw Problem(.notReady, "the node is starting") }
        let state = cluster.state
        let members = Self.members(status, state, name: cluster.name(of:))
        let quorum = status.server.membership.voters.count / 2 + 1
        let reachable = members.count { $0.isVoter && $0.isReachable }
        var answer = Answer.json { json in
            json.field("cluster_id", state.clusterID)
            json.field("generation", state.generation)
            json.field("machine_version", state.machineVersion)
            json.field("term", status.standing.term.rawValue)
            json.field("leader", status.standing.leader.map(cluster.name(of:)))
            json.field("node", status.name)
            json.field("role", status.standing.role.name)
            json.field("ready", status.unreadyReason == nil && !condition.isLeaving)
            json.field("unready_reason", condition.isLeaving ? "the node is draining" : status.unreadyReason)
            json.field("has_quorum", reachable >= quorum)
            json.field("failure_tolerance", max(0, reachable - quorum))
            json.name("members")
            json.array(of: members) { $1.write(to: &$0) }
            json.field("total", members.count)
            json.name("next_cursor")
            json.null()
            json.field("indices", object: { status.server.writeIndices(to: &$0, state) })
            json.field("state_hash", "\(state.hash)")
            json.field("tasks", object: { state.writeCounts(to: &$0) })
        }
        answer.headers[.amasIndex] = "\(state.index)"
        return answer
    }

    private static func members(_ status: ClusterStatus, _ state: ClusterState, name: (NodeID) -> String) -> [Member] {
        status.server.membership.members.map { node in
            let isSelf = node == status.identity.node
            let peer = status.server.peers.first { $0.id == node }
            let link = status.links.first { $0.node == node }
            let isUp: Bool = if case .up? = link?.state { true } else { false }
            return Member(
                id: node, name: name(node), isVoter: status.server.membership.isVoter(node),
                isLeader: status.standing.leader == node, isSelf: isSelf,
                isReachable: isSelf || isUp || peer?.isReachable == true, view: state.node(node),
                match: isSelf ? status.server.durableIndex : peer?.match, last: status.server.lastIndex,
                silenceMilliseconds: isSelf ? 0 : peer?.millisecondsSinceContact,
                roundTripMicroseconds: link?.roundTrip.map { $0.nanoseconds / 1000 })
        }
    }
}

/// One line of the members, joined from what Raft, the links and the state know.
private struct Member {
    var id: NodeID
    var name: String
    var isVoter: Bool
    var isLeader: Bool
    var isSelf: Bool
    var isReachable: Bool
    var view: NodeView?
    /// The last entry on its disk; nil where only the leader knows.
    var match: LogIndex?
    var last: LogIndex
    var silenceMilliseconds: UInt64?
    var roundTripMicroseconds: Int64?

    func write(to json: inout JSONWriter) {
        json.object { json in
            json.field("member_id", id.rawValue)
            json.field("name", name)
            json.field("role", isVoter ? "voter" : "gateway")
            json.field("leader", isLeader)
            json.field("self", isSelf)
            json.field("reachable", isReachable)
            json.field("status", view?.status.name)
            json.field("peer_address", view?.record.peerAddress)
            json.field("http_address", view?.record.httpAddress)
            json.field("version", view?.record.softwareVersion)
            json.field("machine_version_max", view?.record.machineVersionMax)
            json.field("boot_id", view?.record.bootID)
            json.field("slots", view?.record.slots)
            json.field("used_slots", view?.usedSlots)
            json.field("match_index", match?.rawValue)
            json.field("lag_entries", match.map { last.rawValue - min(last, $0).rawValue })
            json.field("last_contact_seconds", decimal: silenceMilliseconds, digits: 3)
            json.field("round_trip_seconds", decimal: roundTripMicroseconds.map { UInt64(max(0, $0)) }, digits: 6)
        }
    }
}

extension Standing.Role {
    var name: String {
        switch self {
        case .follower: "follower"
        case .preCandidate: "pre_candidate"
        case .candidate: "candidate"
        case .leader: "leader"
        }
    }
}

extension ServerStatus {
    fileprivate func writeIndices(to json: inout JSONWriter, _ state: ClusterState) {
        json.field("first", firstIndex.rawValue)
        json.field("last", lastIndex.rawValue)
        json.field("durable", durableIndex.rawValue)
        json.field("commit", commitIndex.rawValue)
        json.field("applied", state.index.rawValue)
        json.field("snapshot", snapshotIndex.rawValue)
    }
}

extension ClusterState {
    fileprivate func writeCounts(to json: inout JSONWriter) {
        let counts = counts
        for status in TaskStatus.allCases {
            json.name(status.name)
            json.integer(counts[status])
        }
        json.field("queued", counts.queued)
        json.field("held", counts.held)
        json.field("unpersisted", outboxCount)
    }
}
