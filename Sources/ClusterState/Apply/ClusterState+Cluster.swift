import Raft

/// The cluster itself: its creation, its settings, its versions.
extension ClusterState {
    mutating func apply(_ command: ClusterCreated) -> Outcome {
        guard !isCreated else { return .rejected(.clusterExists) }
        guard isIdentifier(command.clusterID) else { return .rejected(.invalid(field: "cluster_id")) }
        guard (1...UInt32(UInt16.max)).contains(command.generation) else {
            return .rejected(.invalid(field: "generation"))
        }
        let settings = command.settings.resolved
        if let field = settings.problem(limits) { return .rejected(.invalid(field: field)) }
        var record = ClusterRecord()
        record.clusterID = command.clusterID
        record.generation = command.generation
        record.machineVersion = max(1, command.machineVersion)
        record.settings = settings
        record.createdAt = position.now.microseconds
        record.createdWall = entry.wallTime
        putCluster(record)
        return .done(count: 1)
    }

    mutating func apply(_ command: SettingsChanged) -> Outcome {
        let settings = command.settings.resolved
        if let field = settings.problem(limits) { return .rejected(.invalid(field: field)) }
        changeCluster { $0.settings = settings }
        return .done(count: 1)
    }

    mutating func apply(_ command: GenerationRaised) -> Outcome {
        guard command.generation <= UInt32(UInt16.max) else { return .rejected(.invalid(field: "generation")) }
        guard command.generation > UInt32(generation) else { return .rejected(.stale) }
        changeCluster { $0.generation = command.generation }
        return .done(count: 1)
    }

    mutating func apply(_ command: SetMachineVersion) -> Outcome {
        if let rejection = versionRejection(command.version) { return .rejected(rejection) }
        precondition(command.version <= supportedVersion, "apply stops before a version it does not know")
        if command.version == machineVersion { return .done(count: 0) }
        changeCluster { $0.machineVersion = command.version }
        return .done(count: 1)
    }

    /// Whether the version may become the active one. The same on every build, however old.
    func versionRejection(_ version: UInt32) -> Rejection? {
        guard isCreated else { return .noCluster }
        if version == machineVersion { return nil }
        if version < machineVersion { return .stale }
        let lowest = tables.nodes.rows.map { $0.value.record.machineVersionMax }.min() ?? machineVersion
        return version <= lowest ? nil : .notAllNodesReady(lowest: UInt64(lowest))
    }

    mutating func changeCluster(_ change: (inout ClusterRecord) -> Void) {
        guard var record = tables.cluster[SingleKey()] else {
            preconditionFailure("commands before ClusterCreated are rejected")
        }
        change(&record)
        putCluster(record)
    }

    private mutating func putCluster(_ record: ClusterRecord) {
        tables.cluster.put(record, at: SingleKey(), &entry.changes)
        indexes.clusterChanged(to: record)
    }

    /// 1 to 64 printable ASCII characters without spaces.
    func isIdentifier(_ text: String) -> Bool {
        (1...limits.identifierBytes).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
