import Raft

// Who takes part changes while everything else goes wrong (P1, P16, P20, P23).
extension World {
    /// Whoever leads is asked for any change, sensible or not; Raft refuses what is unsafe.
    func reconfigure() {
        if membersByCommand {
            let running = nodes.compactMap(\.process).filter { !$0.node.isPaused(at: now) }
            return running.isEmpty ? () : command(random.faults.pick(running))
        }
        let leaders = nodes.compactMap(\.process).filter {
            $0.raft.standing.role == .leader && !$0.node.isPaused(at: now)
        }
        if !leaders.isEmpty { reconfigure(random.faults.pick(leaders)) }
    }

    func reconfigure(_ leader: Process) {
        if membersByCommand { return command(leader) }
        guard let change = drawChange(leader.raft.membership) else { return }
        trace.note(now, "node \(leader.id) is asked to \(change)")
        leader.step(.changeMembership(0, change))
    }

    private func drawChange(_ membership: Membership) -> MembershipChange? {
        // Two leaders who leave out one each of an even number have majorities that do not meet (P1).
        if membership.voters.count.isMultiple(of: 2), random.faults.chance(perMille: 500) {
            return .remove([random.faults.pick(membership.voters)])
        }
        let strangers = nodes.map(\.id).filter { !membership.members.contains($0) }
        switch random.faults.number(0...7) {
        case 0...1: return strangers.isEmpty ? nil : .join(random.faults.pick(strangers))
        case 2: return strangers.isEmpty ? nil : .addGateway(random.faults.pick(strangers))
        case 3...4:
            let leaving = random.faults.shuffled(membership.members)
            return .remove(Array(leaving.prefix(random.faults.number(1...2))).sorted())
        case 5:
            guard !membership.joining.isEmpty else { return nil }
            return .replace(random.faults.pick(membership.voters), with: random.faults.pick(membership.joining))
        case 6: return .rejoin(random.faults.pick(membership.voters))
        default: return membership.joining.isEmpty ? nil : .promote(membership.joining)
        }
    }

    var membersChange: Bool { options.faults.reconfiguration > 0 }

    /// Also one that is cut off, or whose disk stands still: it leads on while it has nothing to write.
    var newestLeader: Process? {
        nodes.compactMap(\.process).filter { $0.raft.standing.role == .leader }
            .max { $0.raft.standing.term < $1.raft.standing.term }
    }

    /// Those that must follow: the members by the newest leader's log.
    var members: [Node] {
        membersChange ? nodes(of: (newestLeader?.raft.membership ?? membership).members) : nodes
    }

    var voters: [Node] {
        membersChange ? nodes(of: (newestLeader?.raft.membership ?? membership).voters) : nodes
    }

    var joining: [Node] { nodes(of: newestLeader?.raft.membership.joining ?? []) }

    private func nodes(of ids: [NodeID]) -> [Node] { ids.map { nodes[Int($0.rawValue) - 1] } }
}
