import ClusterState
public import Raft
import RaftServer

extension Cluster {
    /// This node's view of the cluster and of itself. Nil until its first moment.
    public var status: ClusterStatus? {
        guard let server = server.status else { return nil }
        let isDraining = isDraining
        let links = self.server.links
        return ClusterStatus(
            name: configuration.name, identity: identity, server: server, links: links,
            members: ClusterMembers(server, links: links, report: reports.latest, limits: configuration.limits),
            isDraining: isDraining, unreadyReason: unreadyReason(server, isDraining: isDraining))
    }

    /// Ready means: this run is a member in the state, the state is close to the last known commit, a leader was heard lately,
    /// and the node is neither draining nor halted (`design/state.md` 26).
    private func unreadyReason(_ server: ServerStatus, isDraining: Bool) -> String? {
        if let halted = server.halted { return halted.reason }
        if isDraining || machine.state.shallDrain(identity.node) { return "the node is draining" }
        guard let silence = server.millisecondsSinceLeaderContact, silence < configuration.limits.readyMilliseconds
        else {
            return refusals.isEmpty ? "no word from a leader" : refusals.reason(for: identity.node)
        }
        let state = machine.state
        guard hasRecovered(state) else { return "the node is joining" }
        // One whose disk is full, but not used up, serves as before.
        if let trouble = server.logTrouble, trouble != .full { return "\(trouble)" }
        let lag = server.commitIndex.rawValue - min(server.commitIndex, state.index).rawValue
        guard lag <= configuration.limits.readyLagEntries else { return "the state is \(lag) entries behind" }
        return nil
    }

    /// Tells the others what this leader knows of the members.
    func reportMembers(_ status: ServerStatus) {
        let members = ClusterMembers(status, links: [], report: nil, limits: configuration.limits)
        guard reports.isDue(members, term: status.standing.term, limits: configuration.limits) else { return }
        broadcast(
            .members, MemberReport(of: status, links: [], limits: configuration.limits).encoded())
    }

    func receiveMemberReport(_ bytes: [UInt8], from node: NodeID) {
        guard node != identity.node, let report = MemberReport(decoding: bytes, from: node) else { return }
        reports.receive(report)
    }

    /// What members are called: by their own word if it is in the state, by the configuration before.
    public func name(of node: NodeID) -> String {
        let state = machine.state
        if let name = state.node(node)?.record.name ?? state.member(node)?.record.name, !name.isEmpty { return name }
        return configuration.memberNames[node] ?? "\(node)"
    }
}
