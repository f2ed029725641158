import ClusterState
import Raft

// Who takes part, where an operator's commands say so: mirrors what `Orchestration.Cluster` does for the members.
extension Process {
    /// Whether the node takes part with the folder that it has, for all that this process knows.
    func accepts(_ node: Node) -> Bool {
        guard let folders, node !== self.node else { return true }
        let verdict = folders.verdict(
            on: node.id, with: Incarnation(node.incarnation),
            recognizedAt: node.process?.machine.recognizes(node.id, by: Incarnation(node.incarnation)) ?? .zero,
            machine,
            isConfigured: world.membership.isVoter(node.id))
        return verdict == .accepted
    }

    /// The cluster may have learned of a folder.
    func noteRecognition() {
        guard raft.waitsForRecognition, let folders else { return }
        step(.recognized(folders.recognized(asking: id, Incarnation(node.incarnation), machine)))
    }

    /// A link was made before its other end was known.
    func endRefusedLinks() {
        guard folders != nil else { return }
        for peer in world.nodes where peer !== node && isReachable[peer.place] && !accepts(peer) {
            world.marks.hit(.peerRefused)
            world.closeLink(place, peer.place)
            world.closeLink(peer.place, place)
        }
    }

    /// One change towards the members that are wanted.
    func reconcileMembers() {
        guard world.membersByCommand, machine.machineVersion >= ClusterState.membersSince else { return }
        guard !machine.members.isEmpty else { return foundMembers() }
        let next = MembershipPlan.next(raft.membership, machine.members, busy: machine.leavingMembers)
        if let next { step(.changeMembership(0, next)) }
    }

    private func foundMembers() {
        let membership = raft.membership
        guard !membership.isJoint, membership.joining.isEmpty else { return }
        var founded = MembersFounded()
        founded.members = (membership.voters + membership.gateways).map {
            .wanted($0, as: membership.isVoter($0) ? .voter : .gateway)
        }
        proposeOutsideSession(.membersFounded(founded))
    }

    /// The node says goodbye, also for a run before this one, and then may be removed.
    func leave(_ now: UInt64) {
        guard let known = machine.node(id), known.status != .left else { return }
        nextRegistration = now + 500_000
        var left = NodeLeft()
        left.nodeID = id.rawValue
        left.bootID = known.record.bootID
        left.proposerTerm = raft.standing.term.rawValue
        left.departureCode = .shutdown
        proposeOutsideSession(.nodeLeft(left))
    }
}

extension MemberAdded {
    static func wanted(_ id: NodeID, as role: MemberRoleCode) -> MemberAdded {
        var added = MemberAdded()
        added.nodeID = id.rawValue
        added.roleCode = role
        added.peerAddress = "node-\(id)"
        return added
    }
}
