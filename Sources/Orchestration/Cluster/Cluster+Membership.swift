import ClusterState
import Logging
public import Raft
import RaftServer
import SwiftProtobuf
import Synchronization

// Who shall take part is in the state; the leader brings Raft's membership there, one change after the other, and whoever leads
// next goes on with it.
extension Cluster {
    /// Every member can apply more than the state is told to.
    func raiseVersion(_ status: ServerStatus, _ state: ClusterState) {
        let nodes = state.nodes
        guard status.membership.members.allSatisfy({ id in nodes.contains { $0.id == id } }),
            let lowest = nodes.map(\.record.machineVersionMax).min()
        else { return }
        let version = min(lowest, configuration.server.machineVersionMax)
        guard version > state.machineVersion else { return }
        repeatUntilSeen(.raiseVersion, .setMachineVersion(.with { $0.version = version }))
    }

    /// The version with which a new cluster begins: one that every member can apply. The first, while one of them has not been
    /// heard: begun with a later one the cluster could shut it out. `raiseVersion` goes on from there.
    func beginningVersion(_ status: ServerStatus) -> UInt32 {
        let others = status.membership.members.filter { $0 != identity.node }
        let heard = server.links.compactMap { link -> UInt32? in
            guard others.contains(link.node), case .up(let hello) = link.state else { return nil }
            return hello.machineVersionMax
        }
        guard heard.count == others.count else { return 1 }
        return min(heard.min() ?? .max, configuration.server.machineVersionMax)
    }

    func reconcileMembers(_ status: ServerStatus, _ state: ClusterState) {
        guard state.machineVersion >= ClusterState.membersSince else { return }
        guard !state.members.isEmpty else { return foundMembers(status.membership, state) }
        guard let change = MembershipPlan.next(status.membership, state.members, busy: state.leavingMembers)
        else {
            reconciliation.note(refusal: nil)
            return
        }
        guard pace.mayPropose(.changeMembership, interval: .milliseconds(configuration.limits.repeatMilliseconds))
        else { return }
        Task { [server, reconciliation, logger] in
            do throws(MembershipRejection) {
                _ = try await server.changeMembership(change)
                reconciliation.note(refusal: nil)
            } catch {
                guard reconciliation.note(refusal: error) else { return }
                logger.notice("a change of the members waits", metadata: ["change": "\(change)", "reason": "\(error)"])
            }
        }
    }

    private func foundMembers(_ membership: Membership, _ state: ClusterState) {
        guard !membership.isJoint, membership.joining.isEmpty else { return }
        let founders = (membership.voters + membership.gateways).map { node in
            MemberAdded.with {
                $0.nodeID = node.rawValue
                $0.roleCode = membership.voters.contains(node) ? .voter : .gateway
                $0.peerAddress = addresses.address(of: node, state).map { "\($0)" } ?? ""
                $0.name = name(of: node)
            }
        }
        repeatUntilSeen(.foundMembers, .membersFounded(.with { $0.members = founders }))
    }

    /// Why this node can never take part again; nil if it may.
    func reasonToEnd(_ status: ServerStatus, _ state: ClusterState) -> String? {
        // Who has learned of no members yet cannot count them: one that takes it in is enough to go on.
        let isTakenIn = status.membership.voters.isEmpty && server.links.contains { $0.isUp }
        if !isTakenIn, refusals.exclude(from: status.membership) { return refusals.reason(for: identity.node) }
        // A leader that was removed hands over first.
        guard status.standing.role != .leader else { return nil }
        return state.hasLeft(identity.node, incarnation: identity.incarnation.rawValue)
            ? Refusals.removed(identity.node) : nil
    }

    /// Ends a node that the cluster knows with another data folder. What the node has applied may be from before its folder was
    /// replaced; a strong read is not.
    func verifyFolder(_ state: ClusterState) {
        func isAnother(_ state: ClusterState) -> Bool {
            state.folder(of: identity.node).map { $0 != identity.incarnation } ?? false
        }
        guard isAnother(state),
            pace.mayPropose(.verifyFolder, interval: .milliseconds(configuration.limits.repeatMilliseconds))
        else { return }
        Task {
            guard let now = try? await read(.strong), isAnother(now) else { return }
            hooks.excluded(Refusals.otherFolder(identity.node))
        }
    }

    /// What the change of the members that is under way waits for, as far as this node knows: it is the leader that makes it.
    public var membershipObstacle: String? {
        let busy = machine.state.leavingMembers
        if !busy.isEmpty {
            let names = busy.map { name(of: $0) }.joined(separator: ", ")
            return "the tasks and clients that \(names) still has"
        }
        return status?.isLeader == true ? reconciliation.refusal.map { "\($0)" } : nil
    }

    // MARK: Leadership

    /// A leader that shall drain, or whose log's disk is in trouble, gives the lead to the voter with the most of the log, of those
    /// that stay and have none.
    func leaveLead(_ status: ServerStatus, _ state: ClusterState) {
        guard state.shallDrain(identity.node) || status.logTrouble != nil else { return }
        let successor = status.peers
            .filter { peer in
                status.membership.voters.contains(peer.id) && peer.isReachable && !state.shallDrain(peer.id)
                    && state.node(peer.id)?.hasDiskTrouble != true
            }
            .max { $0.match < $1.match }
        guard let successor,
            pace.mayPropose(.handOverLeadership, interval: .milliseconds(configuration.limits.transferMilliseconds))
        else { return }
        Task { [server] in _ = await server.transferLeadership(to: successor.id) }
    }

    /// Gives the leadership to a voter, wherever it is held.
    /// - Parameter target: nil for the one with the most of the log.
    /// - Returns: whether somebody else, the target if one was named, leads within the time of a request. Then `status` says who.
    public func transferLeadership(to target: NodeID?) async -> Bool {
        guard let before = server.status?.standing, let leader = before.leader else { return false }
        if target == leader { return true }
        let deadline = ContinuousClock.now + .milliseconds(configuration.limits.transferMilliseconds)
        if leader == identity.node {
            _ = await server.transferLeadership(to: target)
        } else {
            var bytes: [UInt8] = []
            bytes.appendLittleEndian(target?.rawValue ?? 0)
            server.sendEphemeral(EphemeralBus.frame(.transferLeadership, bytes), to: leader)
        }
        // What the status says, and not what the watch has heard, which is earlier: the caller looks there for the new leader.
        while ContinuousClock.now < deadline {
            if let standing = server.status?.standing, let now = standing.leader, standing.term > before.term {
                return target.map { $0 == now } ?? (now != leader)
            }
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { return false }
        }
        return false
    }

    func receiveTransferRequest(_ bytes: [UInt8], from node: NodeID) {
        guard node != identity.node, bytes.count == 8 else { return }
        let target = NodeID(bytes[...].littleEndian(at: 0))
        Task { [server] in _ = await server.transferLeadership(to: target == NodeID(0) ? nil : target) }
    }
}

/// What the leader last heard of the change that it is making.
final class Reconciliation: Sendable {
    private let last: Mutex<MembershipRejection?> = Mutex(nil)

    var refusal: MembershipRejection? { last.withLock { $0 } }

    /// Returns whether it is another one than before.
    @discardableResult
    func note(refusal: MembershipRejection?) -> Bool {
        last.withLock { last in
            defer { last = refusal }
            return refusal.map(Self.kind) != last.map(Self.kind)
        }
    }

    /// A newcomer that catches up lacks less at every look, and that is no news.
    private static func kind(_ rejection: MembershipRejection) -> MembershipRejection {
        if case .hasNotCaughtUp(let node, _) = rejection { return .hasNotCaughtUp(node, missing: 0) }
        return rejection
    }
}
