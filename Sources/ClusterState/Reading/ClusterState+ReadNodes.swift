public import Raft

extension ClusterState {
    /// In the order of their ids.
    public var nodes: [NodeView] {
        tables.nodes.rows.map { view(of: NodeID($0.key.value), $0.value.record) }
    }

    public func node(_ id: NodeID) -> NodeView? {
        tables.nodes[NumberKey(id.rawValue)].map { view(of: id, $0) }
    }

    private func view(of id: NodeID, _ record: NodeRecord) -> NodeView {
        let load = indexes.load(of: id)
        return NodeView(id: id, record: record, usedSlots: load?.used ?? 0, freeSlots: load?.free ?? 0)
    }

    /// Slots that could take a task now, over all nodes.
    public var freeSlots: Int { indexes.freeSlots }

    /// What a boot of a node has to run: what an executor starts from.
    public func assignments(of node: NodeID, boot: BootID) -> [TaskKey] {
        let boot = SessionKey(node: node, boot: boot)
        return indexes.assigned.from(AssignedKey(boot: boot, task: nil)).prefix { $0.boot == boot }.compactMap(\.task)
    }

    /// The lowest sequence whose answer is still known; nil if the session is not open.
    public func sessionFloor(of session: Envelope.Session) -> UInt64? {
        tables.sessions[SessionKey(session)]?.floor
    }

    /// When TimersDue should be proposed next: at once if it is not after `now`. Nil while there is nothing to wait for.
    public var nextTimer: ClusterTime? {
        guard isCreated else { return nil }
        return hasWork ? position.now : indexes.timers.first?.time
    }
}
