import ClusterState
import HTTPTypes
import Orchestration
import Raft
import RaftServer
import SwiftProtobuf

// Changes of who takes part. Any node takes them: they are commands in the log, and the leader makes them true.
extension Handlers {
    /// `POST /api/v1/cluster/members`
    func addMember(_ call: Call) async throws(Problem) -> Answer {
        let body = try object(call.body, fields: ["member_id", "peer_address", "name", "role"])
        let member = try newcomer(body, role: try role(body))
        if let objection = cluster.state.objection(toAdding: member) { throw problem(objection) }
        let id = NodeID(member.nodeID)
        let change = MemberChange([id], in: cluster.state, try seen, adding: member.roleCode == .voter ? [id] : [])
        return try await make(change, .memberAdded(member), call)
    }

    /// `DELETE /api/v1/cluster/members/{member_id}`
    func removeMember(_ call: Call) async throws(Problem) -> Answer {
        let id = try knownMember(call).id
        let change = MemberChange([id], in: cluster.state, try seen, removing: [id])
        return try await make(change, .membersRemoved(.with { $0.nodeIds = [id.rawValue] }), call)
    }

    /// `POST /api/v1/cluster/members/{member_id}/promote`. The leader promotes without being asked: this waits for it.
    func promoteMember(_ call: Call) async throws(Problem) -> Answer {
        let member = try knownMember(call)
        guard member.wanted == .voter else { throw Problem(.membersRefused, "a gateway never becomes a voter") }
        return try await answer(MemberChange([member.id], in: cluster.state, try seen), call, until: .vote)
    }

    /// `POST /api/v1/cluster/members/{member_id}/replace`
    func replaceMember(_ call: Call) async throws(Problem) -> Answer {
        let old = try knownMember(call)
        let body = try object(call.body, fields: ["member_id", "peer_address", "name", "incarnation"])
        guard let folder = body["incarnation"] else {
            let member = try newcomer(body, role: .voter)
            if let objection = cluster.state.objection(toAdding: member, replacing: old.id) {
                throw problem(objection)
            }
            let new = NodeID(member.nodeID)
            let change = MemberChange([old.id, new], in: cluster.state, try seen, removing: [old.id], heirs: [new])
            return try await make(
                change,
                .memberReplaced(
                    .with {
                        $0.nodeID = old.id.rawValue
                        $0.replacement = member
                    }), call, until: .vote)
        }
        guard let text = folder.stringValue, let incarnation = UInt64(text, radix: 16), body["member_id"] == nil else {
            throw .invalid("incarnation", "is what amas init printed for the new folder; then no member_id is given")
        }
        if let node = cluster.state.node(old.id), node.status != .left, node.record.incarnation != incarnation {
            throw Problem(.membersRefused, "the member runs with the folder that it has: stop it first")
        }
        let change = MemberChange(
            [old.id], in: cluster.state, try seen, adding: old.wanted == .voter ? [old.id] : [])
        return try await make(
            change,
            .memberReincarnated(
                .with {
                    $0.nodeID = old.id.rawValue
                    $0.oldIncarnation = old.record.incarnation
                    $0.newIncarnation = incarnation
                }), call, until: .vote)
    }

    /// `POST /api/v1/cluster/members/{member_id}/drain`
    func drainMember(_ call: Call) async throws(Problem) -> Answer {
        let member = try knownMember(call)
        var isOn = true
        if !call.body.isEmpty, let value = try object(call.body, fields: ["drain"])["drain"] {
            guard case .bool(let flag) = value.value else { throw .invalid("drain", "must be a boolean") }
            isOn = flag
        }
        let command = NodeDrainRequested.with {
            $0.nodeID = member.id.rawValue
            $0.isOn = isOn
        }
        return try await make(
            MemberChange([member.id], in: cluster.state, try seen), .nodeDrainRequested(command), call, until: .taken)
    }

    /// `POST /api/v1/cluster/transfer-leadership`
    func transferLeadership(_ call: Call) async throws(Problem) -> Answer {
        var target: NodeID?
        if !call.body.isEmpty, let value = try object(call.body, fields: ["member_id"])["member_id"] {
            let id = try number("member_id", value)
            guard cluster.status?.server.membership.voters.contains(id) == true else {
                throw .invalid("member_id", "is not that of a voter")
            }
            target = id
        }
        guard await cluster.transferLeadership(to: target) else {
            throw Problem(.membersRefused, "nobody has taken over leadership: the voter may be behind or out of reach")
        }
        return try await readCluster(call)
    }

    // MARK: What they share

    private var seen: ClusterMembers {
        get throws(Problem) {
            guard let status = cluster.status else { throw Problem(.notReady, "the node is starting") }
            return status.members
        }
    }

    /// When a change is done.
    private enum Goal {
        case taken
        /// Everything is as wanted, but for votes that wait for further members.
        case settled
        case vote
    }

    private func make(
        _ change: MemberChange, _ body: Command.OneOf_Body, _ call: Call, until goal: Goal = .settled
    ) async throws(Problem) -> Answer {
        guard !cluster.state.members.isEmpty else {
            throw Problem(.notReady, "the cluster does not know its members yet")
        }
        if let risk = change.risk { throw Problem(.membersRefused, risk) }
        let outcome: Outcome
        do throws(RequestError) {
            outcome = try await cluster.propose(body, tenant: call.caller.tenant, trace: call.envelopeTrace)
        } catch {
            throw Problem(write: error)
        }
        if case .rejected(let rejection) = outcome { throw Self.problem(rejection) }
        return try await answer(change, call, until: goal)
    }

    private func problem(_ objection: MemberObjection) -> Problem {
        switch objection {
        case .addressTaken(let id): .invalid("peer_address", "is that of member \(id), \(cluster.name(of: id))")
        case .nameTaken(let id): .invalid("name", "is that of member \(id)")
        case .joining(let id):
            Problem(
                .membersRefused,
                "member \(id) is joining, and could be given the vote that shall be taken over: wait until it votes "
                    + "(add another member, then amas cluster promote \(id)), or remove it first")
        case .hasNoVote(let id):
            Problem(
                .membersRefused,
                "member \(id) does not vote, so nobody can take its vote over: remove it, and add the other")
        }
    }

    private static func problem(_ rejection: Rejection) -> Problem {
        if rejection == .unknownNode { return Problem(.notFound, "there is no member with this id") }
        if rejection == .alreadyExists { return Problem(.membersRefused, "another member with this id exists") }
        if rejection == .stale { return Problem(.membersRefused, "the cluster knows another folder of this member") }
        return Problem(rejection)
    }

    /// Waits as long as the caller wants, then says how far it is.
    private func answer(
        _ change: MemberChange, _ call: Call, until goal: Goal
    ) async throws(Problem) -> Answer {
        let wait = try call.wait(limits: limits) ?? 0
        let deadline = ContinuousClock.now + .seconds(Int64(wait))
        func isMade() -> Bool {
            guard goal != .taken else { return true }
            let (state, members) = (cluster.state, cluster.status?.members)
            return change.subjects.lazy.compactMap { state.member($0) }.allSatisfy { member in
                if goal == .vote, member.wanted == .voter, member.role != .voter { return false }
                return members?.isSettled(member, in: state) ?? member.isSettled
            }
        }
        while !isMade(), ContinuousClock.now < deadline, (try? await Task.sleep(for: .milliseconds(50))) != nil {}
        let isDone = isMade()
        var answer = Answer.json(status: isDone ? 200 : 202) { json in
            json.name("member_ids")
            json.array(of: change.subjects) { $0.integer($1.rawValue) }
            json.field("done", isDone)
            let own = goal == .taken ? nil : change.subjects.lazy.compactMap { self.obstacle(of: $0) }.first
            json.field("waits_for", own ?? (isDone ? nil : cluster.membershipObstacle))
            json.field("voters", change.voters.count)
            json.field("tolerance_before", change.toleranceBefore)
            json.field("tolerance", change.tolerance)
        }
        answer.headers[.amasIndex] = cluster.state.revision.position
        if wait > 0 { answer.headers[.preferenceApplied] = "wait=\(wait)" }
        return answer
    }

    /// What the member itself still lacks, in words.
    func obstacle(of id: NodeID) -> String? {
        let state = cluster.state
        guard let member = state.member(id) else { return nil }
        return cluster.status?.members.obstacle(of: member, in: state)?.description(of: cluster.name(of: id))
    }

    private func knownMember(_ call: Call) throws(Problem) -> MemberView {
        guard let id = UInt64(call.parameters[0]), let member = cluster.state.member(NodeID(id)) else {
            throw Problem(.notFound, "there is no member with this id")
        }
        return member
    }

    private func newcomer(_ body: JSONNode, role: MemberRoleCode) throws(Problem) -> MemberAdded {
        guard let id = body["member_id"] else { throw .invalid("member_id", "is missing") }
        guard let address = body["peer_address"]?.stringValue, PeerAddress(address) != nil else {
            throw .invalid("peer_address", "must be host:port")
        }
        let node = try number("member_id", id)
        let name = body["name"]?.stringValue ?? "node\(node)"
        return .with {
            $0.nodeID = node.rawValue
            $0.roleCode = role
            $0.peerAddress = address
            $0.name = name
        }
    }

    private func role(_ body: JSONNode) throws(Problem) -> MemberRoleCode {
        switch body["role"]?.stringValue {
        case nil where body["role"] == nil, "voter": return .voter
        case "gateway": return .gateway
        default: throw .invalid("role", "must be voter or gateway")
        }
    }

    private func number(_ field: String, _ value: JSONNode) throws(Problem) -> NodeID {
        guard case .integer(let number) = value.value, number > 0 else {
            throw .invalid(field, "must be a whole number above zero")
        }
        return NodeID(UInt64(number))
    }
}
