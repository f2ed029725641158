import Raft

/// Nodes come, pause and go (`design/state.md` 15).
extension ClusterState {
    mutating func apply(_ command: NodeAvailable) -> Outcome {
        if let field = problem(with: command) { return .rejected(.invalid(field: field)) }
        let id = NodeID(command.nodeID)
        let boot = SessionKey(node: id, boot: BootID(command.bootID))
        let known = tables.nodes[NumberKey(command.nodeID)]
        if let known {
            if known.incarnation != command.incarnation { return .rejected(.unknownIncarnation) }
            if command.bootID < known.bootID { return .rejected(.stale) }
        } else if tables.nodes.count >= limits.nodes {
            return .rejected(.invalid(field: "node_id"))
        }
        if let rejection = admit(command, boot) { return .rejected(rejection) }
        if let known, command.bootID > known.bootID { retire(known, of: id) }
        var record = NodeRecord()
        record.bootID = command.bootID
        record.incarnation = command.incarnation
        record.name = command.name
        record.status = .available
        record.slots = command.slots
        record.machineVersionMax = command.machineVersionMax
        record.peerAddress = command.peerAddress
        record.httpAddress = command.httpAddress
        record.softwareVersion = command.softwareVersion
        put(record, of: id, announce: known?.bootID != command.bootID || known?.status != .available)
        openSession(boot)
        return .done(count: 1)
    }

    private func problem(with command: NodeAvailable) -> String? {
        if command.nodeID == 0 { return "node_id" }
        if command.bootID == 0 { return "boot_id" }
        if !(1...limits.nameBytes).contains(command.name.utf8.count) { return "name" }
        if command.slots > limits.slotsPerNode { return "slots" }
        if command.machineVersionMax < machineVersion { return "machine_version_max" }
        if command.peerAddress.utf8.count > limits.addressBytes { return "peer_address" }
        if command.httpAddress.utf8.count > limits.addressBytes { return "http_address" }
        if command.softwareVersion.utf8.count > limits.nameBytes { return "software_version" }
        return nil
    }

    /// A younger boot has come: the older one is dead, whether or not anybody noticed.
    private mutating func retire(_ record: NodeRecord, of id: NodeID) {
        let boot = SessionKey(node: id, boot: BootID(record.bootID))
        _ = endSession(boot)
        if record.status != .left { releaseTasks(of: boot, nodeDied: true) }
    }

    mutating func apply(_ command: NodeSuspended) -> Outcome {
        let id = NodeID(command.nodeID)
        guard var record = tables.nodes[NumberKey(command.nodeID)] else { return .rejected(.unknownNode) }
        guard record.bootID == command.bootID, record.status != .left else { return .rejected(.stale) }
        guard command.reasonCode != .unspecified, SuspensionReasonCode.allCases.contains(command.reasonCode) else {
            return .rejected(.invalid(field: "reason_code"))
        }
        let wasSuspended = record.status == .suspended
        record.status = .suspended
        record.suspensionReason = UInt32(truncatingIfNeeded: command.reasonCode.rawValue)
        put(record, of: id, announce: !wasSuspended)
        return .done(count: 1)
    }

    mutating func apply(_ command: NodeLeft) -> Outcome {
        let id = NodeID(command.nodeID)
        guard var record = tables.nodes[NumberKey(command.nodeID)] else { return .rejected(.unknownNode) }
        // A leader that has been replaced judged by contacts of its own; its successor judges anew.
        guard record.bootID == command.bootID, command.proposerTerm == position.term.rawValue else {
            return .rejected(.stale)
        }
        let nodeDied: Bool
        switch command.departureCode {
        case .lost: nodeDied = true
        case .shutdown: nodeDied = false
        case .UNRECOGNIZED: return .rejected(.invalid(field: "departure_code"))
        }
        if record.status == .left { return .done(count: 0) }
        record.status = .left
        put(record, of: id, announce: true)
        releaseTasks(of: SessionKey(node: id, boot: BootID(command.bootID)), nodeDied: nodeDied)
        return .done(count: 1)
    }

    /// The node takes part no more, or not with the data folder that it had.
    mutating func forgetNode(_ id: NodeID) {
        guard var record = tables.nodes[NumberKey(id.rawValue)] else { return }
        let boot = SessionKey(node: id, boot: BootID(record.bootID))
        _ = endSession(boot)
        if record.status != .left {
            releaseTasks(of: boot, nodeDied: false)
            record.status = .left
            emitMemberChanged(id, record)
        }
        tables.nodes.remove(NumberKey(id.rawValue), &entry.changes)
        indexes.nodeRemoved(id)
    }

    private mutating func put(_ record: NodeRecord, of id: NodeID, announce: Bool) {
        var record = record
        if announce {
            record.changedAt = position.now.microseconds
            record.changedWall = entry.wallTime
        } else if let known = tables.nodes[NumberKey(id.rawValue)] {
            record.changedAt = known.changedAt
            record.changedWall = known.changedWall
        }
        tables.nodes.put(record, at: NumberKey(id.rawValue), &entry.changes)
        indexes.nodeChanged(id, to: record)
        if announce { emitMemberChanged(id, record) }
    }
}
