import Raft

/// Who shall take part (`design/state.md` 25). The commands say what is wanted; the leader changes Raft's membership until
/// the configurations in the log have brought it about.
extension ClusterState {
    mutating func apply(_ command: MembersFounded) -> Outcome {
        guard tables.members.isEmpty else { return .rejected(.stale) }
        guard !command.members.isEmpty, command.members.count <= limits.nodes else {
            return .rejected(.invalid(field: "members"))
        }
        for member in command.members {
            if let field = problem(with: member) { return .rejected(.invalid(field: field)) }
        }
        for member in command.members {
            var record = record(of: member)
            record.roleCode = member.roleCode
            record.incarnation = tables.nodes[NumberKey(member.nodeID)]?.incarnation ?? 0
            put(record, of: NodeID(member.nodeID))
        }
        return .done(count: UInt64(command.members.count))
    }

    mutating func apply(_ command: MemberAdded) -> Outcome {
        let id = NodeID(command.nodeID)
        if let known = member(id)?.record, known.wantedCode == command.roleCode,
            Bytes.equal(known.peerAddress, command.peerAddress)
        {
            return .done(count: 0)
        }
        if let rejection = rejection(of: command, changing: []) { return .rejected(rejection) }
        put(record(of: command), of: id)
        forgetFormerMembers()
        return .done(count: 1)
    }

    mutating func apply(_ command: MembersRemoved) -> Outcome {
        let leaving = command.nodeIds
        guard (1...limits.nodes).contains(leaving.count) else { return .rejected(.invalid(field: "node_ids")) }
        for id in leaving where member(NodeID(id)) == nil { return .rejected(.unknownNode) }
        if isChanging(except: leaving) { return .rejected(.changeInFlight) }
        guard hasVoter(besides: leaving) else { return .rejected(.noVoterLeft) }
        for id in leaving {
            change(NodeID(id)) {
                $0.wantedCode = .unspecified
                $0.replaces = 0
                $0.nextIncarnation = 0
            }
            if member(NodeID(id)) == nil { forgetNode(NodeID(id)) }
        }
        forgetFormerMembers()
        return .done(count: UInt64(leaving.count))
    }

    mutating func apply(_ command: MemberReplaced) -> Outcome {
        guard let old = member(NodeID(command.nodeID)) else { return .rejected(.unknownNode) }
        guard old.role == .voter, command.replacement.roleCode == .voter else {
            return .rejected(.invalid(field: "role_code"))
        }
        if member(NodeID(command.replacement.nodeID))?.record.replaces == command.nodeID { return .done(count: 0) }
        // A member that joins could be promoted together with the newcomer: then neither would replace anybody.
        if members.contains(where: { $0.role == .joining }) { return .rejected(.changeInFlight) }
        if let rejection = rejection(of: command.replacement, changing: [command.nodeID]) {
            return .rejected(rejection)
        }
        var record = record(of: command.replacement)
        record.replaces = command.nodeID
        put(record, of: NodeID(command.replacement.nodeID))
        forgetFormerMembers()
        return .done(count: 1)
    }

    mutating func apply(_ command: MemberReincarnated) -> Outcome {
        let id = NodeID(command.nodeID)
        guard let known = member(id) else { return .rejected(.unknownNode) }
        guard command.newIncarnation != 0, command.newIncarnation != command.oldIncarnation else {
            return .rejected(.invalid(field: "new_incarnation"))
        }
        if known.record.nextIncarnation == command.newIncarnation { return .done(count: 0) }
        guard known.record.incarnation == command.oldIncarnation else { return .rejected(.stale) }
        // What else is under way may be waiting for the very vote that is lost.
        let comesFirst = machineVersion >= Self.lostFoldersFirstSince
        if !comesFirst, isChanging(except: [command.nodeID]) { return .rejected(.changeInFlight) }
        if known.role == .voter, !hasVoter(besides: [command.nodeID], mayBeLeaving: comesFirst) {
            return .rejected(.noVoterLeft)
        }
        change(id) { $0.nextIncarnation = command.newIncarnation }
        if known.role != .voter { adoptIncarnation(of: id) }
        return .done(count: 1)
    }

    mutating func apply(_ command: NodeDrainRequested) -> Outcome {
        let id = NodeID(command.nodeID)
        guard let known = member(id) else { return .rejected(.unknownNode) }
        if known.record.drainRequested == command.isOn { return .done(count: 0) }
        change(id) { $0.drainRequested = command.isOn }
        return .done(count: 1)
    }

    /// A configuration of the log: the one source of roles.
    mutating func apply(_ membership: Membership) {
        for (key, row) in tables.members.rows {
            let id = NodeID(key.value)
            guard var record = tables.members[key] else { continue }
            record.roleCode = membership.role(of: id)
            if record.replaces != 0, !membership.members.contains(NodeID(record.replaces)) {
                change(NodeID(record.replaces)) { $0.wantedCode = .unspecified }
                record.replaces = 0
            }
            if record.roleCode != row.record.roleCode || record.replaces != row.record.replaces { put(record, of: id) }
            if record.nextIncarnation != 0, record.roleCode != .voter { adoptIncarnation(of: id) }
        }
        for (key, row) in tables.members.rows where row.record.hasLeft { forgetNode(NodeID(key.value)) }
        forgetFormerMembers()
    }

    /// Only now may the member come with its new folder: with the old one's vote it would have forgotten what that promised.
    private mutating func adoptIncarnation(of id: NodeID) {
        change(id) {
            precondition($0.nextIncarnation != 0 && $0.roleCode != .voter, "a folder changes where no vote is lost")
            $0.incarnation = $0.nextIncarnation
            $0.nextIncarnation = 0
        }
        forgetNode(id)
    }

    // MARK: Judging

    /// Why a run of a node cannot become available.
    mutating func admit(_ command: NodeAvailable, _ boot: SessionKey) -> Rejection? {
        // Folders of earlier programs count their boots from 1: what one of that number left behind goes first.
        if machineVersion >= 2, tables.sessions[boot] == nil,
            tables.work[WorkKey(.forget(boot))] != nil || tables.work[WorkKey(.release(boot))] != nil
        {
            return .stale
        }
        guard !tables.members.isEmpty else { return nil }
        let id = NodeID(command.nodeID)
        guard let known = member(id) else { return .unknownNode }
        if known.record.incarnation == 0 {
            change(id) { $0.incarnation = command.incarnation }
        } else if known.record.incarnation != command.incarnation {
            return .unknownIncarnation
        }
        return nil
    }

    private func rejection(of command: MemberAdded, changing: [UInt64]) -> Rejection? {
        if let field = problem(with: command) { return .invalid(field: field) }
        // Before the founding nobody knows who would be added to whom.
        if tables.members.isEmpty { return .stale }
        if member(NodeID(command.nodeID)) != nil { return .alreadyExists }
        if isChanging(except: []) { return .changeInFlight }
        if members.count >= limits.nodes { return .invalid(field: "node_id") }
        let voters = members.count { $0.wanted == .voter && !changing.contains($0.id.rawValue) }
        if command.roleCode == .voter, voters >= Membership.maximumVoters {
            return .tooManyVoters(limit: UInt64(Membership.maximumVoters))
        }
        return nil
    }

    private func problem(with command: MemberAdded) -> String? {
        if command.nodeID == 0 { return "node_id" }
        if command.roleCode != .voter && command.roleCode != .gateway { return "role_code" }
        if command.peerAddress.utf8.count > limits.addressBytes { return "peer_address" }
        if command.name.utf8.count > limits.nameBytes { return "name" }
        return nil
    }

    private func isChanging(except: [UInt64]) -> Bool {
        members.contains { !$0.isSettled && !except.contains($0.id.rawValue) }
    }

    private func hasVoter(besides leaving: [UInt64], mayBeLeaving: Bool = false) -> Bool {
        members.contains {
            $0.role == .voter && (mayBeLeaving || $0.wanted == .voter) && !leaving.contains($0.id.rawValue)
        }
    }

    // MARK: Rows

    private func record(of command: MemberAdded) -> MemberRecord {
        var record = MemberRecord()
        record.wantedCode = command.roleCode
        record.name = command.name
        record.peerAddress = command.peerAddress
        return record
    }

    private mutating func change(_ id: NodeID, _ change: (inout MemberRecord) -> Void) {
        guard var record = tables.members[NumberKey(id.rawValue)] else { return }
        change(&record)
        put(record, of: id)
    }

    private mutating func put(_ record: MemberRecord, of id: NodeID) {
        precondition(record.isSound, "rows are written as they may be read")
        tables.members.put(record, at: NumberKey(id.rawValue), &entry.changes)
    }

    private mutating func forgetFormerMembers() {
        var former = tables.members.rows.filter { $0.value.record.hasLeft }.map(\.key)
        while former.count > limits.formerMembers { tables.members.remove(former.removeFirst(), &entry.changes) }
    }
}

extension MemberRecord {
    var hasLeft: Bool { wantedCode == .unspecified && roleCode == .unspecified }
}

extension Membership {
    /// A voter of either configuration has its vote still.
    fileprivate func role(of node: NodeID) -> MemberRoleCode {
        if isVoter(node) { return .voter }
        if joining.contains(node) { return .joining }
        return gateways.contains(node) ? .gateway : .unspecified
    }
}
