import Raft

// Who takes part changes while everything else goes wrong (P1, P16, P20, P23).
extension World {
    /// Whoever leads is asked for any change, sensible or not; Raft refuses what is unsafe.
    func reconfigure() {
        let leaders = nodes.compactMap(\.process).filter {
            $0.raft.standing.role == .leader && !$0.node.isPaused(at: now)
        }
        guard !leaders.isEmpty else { return }
        let leader = random.faults.pick(leaders)
        guard let change = drawChange(leader.raft.membership) else { return }
        trace.note(now, "node \(leader.id) is asked to \(change)")
        leader.step(.changeMembership(0, change))
    }

    private func drawChange(_ membership: Membership) -> MembershipChange? {
        let strangers = nodes.map(\.id).filter { !membership.members.contains($0) }
        switch random.faults.number(0...7) {
        case 0...2: return strangers.isEmpty ? nil : .join(random.faults.pick(strangers))
        case 3: return strangers.isEmpty ? nil : .addGateway(random.faults.pick(strangers))
        case 4:
            let leaving = random.faults.shuffled(membership.members)
            return .remove(Array(leaving.prefix(random.faults.number(1...2))).sorted())
        case 5:
            guard !membership.joining.isEmpty else { return nil }
            return .replace(random.faults.pick(membership.voters), with: random.faults.pick(membership.joining))
        case 6: return .rejoin(random.faults.pick(membership.voters))
        default: return membership.joining.isEmpty ? nil : .promote(membership.joining)
        }
    }

    /// Those that must follow: the members by the newest leader's log.
    var members: [Node] {
        guard options.faults.reconfiguration > 0 || options.founders != nil else { return nodes }
        let leaders = nodes.compactMap(\.process).filter { $0.raft.standing.role == .leader }
        guard let leader = leaders.max(by: { $0.raft.standing.term < $1.raft.standing.term }) else {
            return nodes.filter { membership.isVoter($0.id) }
        }
        return leader.raft.membership.members.map { nodes[Int($0.rawValue) - 1] }
    }

    var voters: [Node] {
        let leaders = nodes.compactMap(\.process).filter { $0.raft.standing.role == .leader }
        guard let leader = leaders.max(by: { $0.raft.standing.term < $1.raft.standing.term }) else { return [] }
        return leader.raft.membership.voters.map { nodes[Int($0.rawValue) - 1] }
    }
}
