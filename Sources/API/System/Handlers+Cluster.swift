import ClusterState
import HTTPTypes
import NIOCore
import Orchestration
import Raft
import RaftServer

extension Handlers {
    /// `GET /api/v1/cluster`: members, roles, term, leader, indices, lag, failure tolerance, versions. What only a
    /// leader can know is as its last report says; without one the answer is what this node sees by itself.
    func readCluster(_ call: Call) async throws(Problem) -> Answer {
        guard let status = cluster.status else { throw Problem(.notReady, "the node is starting") }
        let state = cluster.state
        let members = status.members
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
            json.field("has_quorum", members.hasQuorum)
            json.field("failure_tolerance", max(0, members.failureTolerance))
            json.field("seen_by", cluster.name(of: members.seenBy))
            json.field("seen_seconds_ago", decimal: members.ageMilliseconds, digits: 3)
            json.name("members")
            json.array(of: members.members) { write($1, status, state, to: &$0) }
            json.field("total", members.members.count)
            let changing = state.members.filter { !members.isSettled($0, in: state) }.map(\.id)
            json.name("changing")
            json.array(of: changing) { $0.integer($1.rawValue) }
            json.field(
                "waits_for", changing.lazy.compactMap { self.obstacle(of: $0) }.first ?? cluster.membershipObstacle)
            json.name("alarms")
            json.array(of: members.members.filter { state.node($0.id)?.hasDiskTrouble == true }) { json, member in
                json.object {
                    $0.field("alarm", "log_disk")
                    $0.field("member", cluster.name(of: member.id))
                }
            }
            json.name("next_cursor")
            json.null()
            json.field("indices", object: { status.server.writeIndices(to: &$0, state) })
            json.field("state_hash", "\(state.hash)")
            json.field("tasks", object: { state.writeCounts(to: &$0) })
        }
        answer.headers[.amasIndex] = state.revision.position
        return answer
    }

    /// One line of the members, joined from what is seen of it, this node's link to it, and the state.
    private func write(
        _ member: MemberStatus, _ status: ClusterStatus, _ state: ClusterState, to json: inout JSONWriter
    ) {
        let view = state.node(member.id)
        let roundTrip = status.links.first { $0.node == member.id }?.roundTrip
        json.object { json in
            json.field("member_id", member.id.rawValue)
            json.field("name", cluster.name(of: member.id))
            json.field("role", "\(member.role)")
            json.field("leader", status.standing.leader == member.id)
            json.field("self", status.identity.node == member.id)
            json.field("status", "\(member.condition(in: state))")
            json.field("reachable", member.isReached)
            json.field("waits_for", obstacle(of: member.id))
            json.field("availability", view?.status.name)
            json.field("peer_address", view?.record.peerAddress)
            json.field("http_address", view?.record.httpAddress)
            json.field("version", view?.record.softwareVersion)
            json.field("machine_version_max", view?.record.machineVersionMax)
            json.field("boot_id", view?.record.bootID)
            json.field("slots", view?.record.slots)
            json.field("used_slots", view?.usedSlots)
            json.field("match_index", member.match?.rawValue)
            json.field("lag_entries", member.lagEntries)
            json.field("last_contact_seconds", decimal: member.millisecondsSinceContact, digits: 3)
            json.field(
                "round_trip_seconds", decimal: roundTrip.map { UInt64(max(0, $0.nanoseconds / 1000)) }, digits: 6)
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
