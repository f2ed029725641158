@testable import Raft

// A random run: disturbed for a while, then healed, and then it must serve.
extension World {
    /// Safety first, then liveness: with the faults gone, or confined to a minority, the cluster must elect a leader, commit
    /// what is proposed, answer what was asked and end with equal logs, within a bounded number of election timeouts.
    mutating func play() throws {
        isDisturbed = true
        events.schedule(.faultDraw, at: 40)
        events.schedule(.proposal, at: 10)
        events.schedule(.read, at: 10)
        try run(for: options.safetyMilliseconds)
        isDisturbed = false
        isCalm = true
        let spared = options.keepsMinorityDown ? (options.nodes - 1) / 2 : 0
        let down = Array(membership.voters.shuffled(using: &faultRandom).prefix(spared))
        for id in down { crash(id, closingLinks: false) }
        if !down.isEmpty { try mustServe(without: down) }
        try mustServe(without: [])
    }

    private mutating func mustServe(without down: [NodeID]) throws {
        healAll()
        for id in membership.voters where !self[id].isUp && !down.contains(id) { start(id) }
        for id in down { nodes[place(id)].boot += 1 }  // A restart that was planned before is void.
        for place in nodes.indices {
            nodes[place].pausedUntil = min(nodes[place].pausedUntil, now)
            nodes[place].diskStalledUntil = min(nodes[place].diskStalledUntil, now)
        }
        let settings = options.settings
        let bound = 20 * (settings.electionMilliseconds + settings.electionJitterMilliseconds) + 4000
        let elected = try run(within: bound) { world in world.isLed(without: down) }
        guard elected, let leader else { throw Violation("no leader within \(bound) ms of the heal: \(describe())") }
        try propose(at: leader)
        try read(at: leader)
        let converged = try run(within: bound) { world in world.pendingReason(without: down) == nil }
        guard converged else {
            throw Violation("\(pendingReason(without: down) ?? "unknown") \(bound) ms after the heal: \(describe())")
        }
    }

    /// Whether everybody who is up follows one leader.
    func isLed(without down: [NodeID]) -> Bool {
        guard let leader else { return false }
        return nodes.allSatisfy { down.contains($0.id) || $0.raft?.leader == leader }
    }

    /// What the cluster still owes; nil when there is nothing.
    func pendingReason(without down: [NodeID] = []) -> String? {
        guard isLed(without: down), let leader, let last = self[leader].raft?.lastLog else { return "no agreed leader" }
        for node in nodes where !down.contains(node.id) {
            guard let raft = node.raft else { return "node \(node.id) is down" }
            if raft.lastLog != last { return "node \(node.id) ends at \(raft.lastLog), the leader at \(last)" }
            if raft.commitIndex != last.index {
                return "node \(node.id) has committed \(raft.commitIndex) of \(last.index)"
            }
            if raft.appliedIndex != last.index {
                return "node \(node.id) has applied \(raft.appliedIndex) of \(last.index)"
            }
            if !node.openReads.isEmpty { return "node \(node.id) owes \(node.openReads.count) reads" }
            if node.transfersBegun > 0, node.transferOutcomes.isEmpty { return "node \(node.id) owes a transfer's end" }
            if raft.leadership?.transfer != nil { return "node \(node.id) is transferring" }
            if !node.disk.queue.isEmpty { return "node \(node.id) is writing" }
        }
        return nil
    }

    func describe() -> String {
        nodes.map { node in
            guard let raft = node.raft else { return "\(node.id) down" }
            return "\(node.id) \(raft.standing.role) term \(raft.standing.term) last \(raft.lastLog.index) "
                + "commit \(raft.commitIndex) applied \(raft.appliedIndex) installing \(raft.installing != nil) "
                + (raft.leadership?.peers.map { "[\($0.id) \($0.state) match \($0.match) next \($0.next)]" }.joined()
                    ?? "")
        }.joined(separator: "; ")
    }
}
