import ClusterState
import Raft

// An operator says which members are wanted, and brings back nodes that have lost their disks (P22).
extension World {
    var membersByCommand: Bool { options.faults.membersByCommand }

    /// Any wish, sensible or not, at any node.
    func command(_ process: Process) {
        guard let body = drawCommand(process.machine) else { return }
        trace.note(now, "node \(process.id) is told: \(Self.described(body))")
        process.proposeOutsideSession(body)
    }

    private func drawCommand(_ state: ClusterState) -> Command.OneOf_Body? {
        let members = state.members.map(\.id)
        let strangers = nodes.filter { state.member($0.id) == nil }
        guard !members.isEmpty else { return nil }
        // Most of what can go wrong takes three.
        if members.count < 3, let newcomer = strangers.first, random.faults.chance(perMille: 700) {
            return .memberAdded(.wanted(newcomer.id, as: .voter))
        }
        switch random.faults.number(0...6) {
        case 0...2:
            guard let newcomer = drawNewcomer(strangers, state) else { return nil }
            return .memberAdded(.wanted(newcomer, as: random.faults.chance(perMille: 250) ? .gateway : .voter))
        case 3...4:
            var removed = MembersRemoved()
            removed.nodeIds = random.faults.shuffled(members).prefix(random.faults.number(1...2)).map(\.rawValue)
            return .membersRemoved(removed)
        default:
            guard let newcomer = drawNewcomer(strangers, state) else { return nil }
            var replaced = MemberReplaced()
            replaced.nodeID = random.faults.pick(members).rawValue
            replaced.replacement = .wanted(newcomer, as: .voter)
            return .memberReplaced(replaced)
        }
    }

    private static func described(_ body: Command.OneOf_Body) -> String {
        switch body {
        case .memberAdded(let added): "add \(added.nodeID) as \(added.roleCode)"
        case .membersRemoved(let removed): "remove \(removed.nodeIds)"
        case .memberReplaced(let replaced): "replace \(replaced.nodeID) with \(replaced.replacement.nodeID)"
        default: preconditionFailure("an operator gives no other command here")
        }
    }

    /// A machine that served before comes as it is, or empty.
    private func drawNewcomer(_ strangers: [Node], _ state: ClusterState) -> NodeID? {
        guard !strangers.isEmpty else { return nil }
        let newcomer = random.faults.pick(strangers)
        if let leader = newestLeader, isStranger(newcomer, to: leader), random.faults.chance(perMille: 500) {
            replaceDisk(of: newcomer)
        }
        return newcomer.id
    }

    // MARK: Lost disks

    /// Some disk is lost for good, if the others can do without: then they bring the node back.
    func loseDisk() {
        // Where a cluster has grown from one, no folder is as dangerous as that one's next.
        let node = options.founders == 1 && random.faults.chance(perMille: 500) ? nodes[0] : random.faults.pick(nodes)
        guard canLoseDisk(of: node) else { return }
        marks.hit(.diskReplaced)
        replaceDisk(of: node)
    }

    /// Only while nothing else is the matter with who takes part: two voters that are lost together may be a majority.
    private func canLoseDisk(of node: Node) -> Bool {
        guard let leader = newestLeader, !leader.raft.membership.isJoint, !leader.machine.members.isEmpty,
            leader.machine.machineVersion >= ClusterState.lostFoldersFirstSince
        else { return false }
        if isStranger(node, to: leader) { return true }
        let isVoter = leader.raft.membership.isVoter(node.id)
        // The cluster knows a node by the first folder that it hears of: before that it could not tell a lost one from it.
        return leader.machine.folder(of: node.id) != nil
            && (!isVoter || leader.raft.membership.voters.count >= 3)
            && leader.machine.members.allSatisfy { member in
                // Who has not heard of the change before still counts on those who voted then.
                let process = nodes[Int(member.id.rawValue) - 1].process
                return member.isSettled && hasItsFolder(member.id, leader.machine)
                    && process?.raft.membership == leader.raft.membership
            }
    }

    private func isStranger(_ node: Node, to leader: Process) -> Bool {
        leader.machine.member(node.id) == nil && !leader.raft.membership.members.contains(node.id)
    }

    private func hasItsFolder(_ id: NodeID, _ state: ClusterState) -> Bool {
        state.folder(of: id).map { $0.rawValue == nodes[Int(id.rawValue) - 1].incarnation } ?? true
    }

    func replaceDisk(of node: Node) {
        trace.note(now, "node \(node.id) loses its disk, and gets a new folder")
        crash(node, closing: true)
        node.loseDisk(newIncarnation: random.disk.next() | 1)
        format(node)
        forgetConnections(of: node.place)
        monitor.gotNewFolder(node)
        restartLater(node)
        queue.schedule(.tend(node.place), at: now + random.faults.time(1000...2_000_000))
    }

    /// Until the leader's state has the folder, any node is told of it.
    func tend(_ node: Node) {
        // What the node said of the folder before may still be on its way.
        if newestLeader?.machine.folder(of: node.id) == Incarnation(node.incarnation) { return }
        queue.schedule(.tend(node.place), at: now + 500_000)
        let running = nodes.compactMap(\.process).filter {
            $0.raft.standing.leader != nil && !$0.node.isPaused(at: now)
        }
        guard !running.isEmpty else { return }
        let process = random.faults.pick(running)
        guard let recorded = process.machine.folder(of: node.id), recorded.rawValue != node.incarnation else { return }
        var reincarnated = MemberReincarnated()
        reincarnated.nodeID = node.id.rawValue
        reincarnated.oldIncarnation = recorded.rawValue
        reincarnated.newIncarnation = node.incarnation
        trace.note(now, "node \(process.id) is told of the new folder of node \(node.id)")
        process.proposeOutsideSession(.memberReincarnated(reincarnated))
    }

    /// Why the members are not yet those that are wanted, each with its folder; nil if they are.
    func reasonMembersChange(_ leader: Process) -> String? {
        guard membersByCommand else { return nil }
        for member in leader.machine.members {
            if !member.isSettled { return "member \(member.id) is not as wanted" }
            if !hasItsFolder(member.id, leader.machine) { return "node \(member.id) is known by another folder" }
        }
        return nil
    }
}
