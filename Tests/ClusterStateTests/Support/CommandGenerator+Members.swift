import ClusterState
import Raft
import SwiftProtobuf

extension CommandGenerator {
    mutating func memberCommand(_ state: ClusterState) -> Command.OneOf_Body {
        let id = UInt64(1 + random.below(6))
        switch random.below(12) {
        case 0, 1: return .membersFounded(.with { $0.members = (1...4).map { Self.voter($0) } })
        case 2, 3, 4, 5: return .memberAdded(addition(of: id))
        case 6: return .membersRemoved(.with { $0.nodeIds = [id] })
        case 7, 8:
            let replacement = addition(of: UInt64(1 + random.below(6)))
            return .memberReplaced(
                .with {
                    $0.nodeID = id
                    $0.replacement = replacement
                })
        case 9, 10:
            let folder = state.member(NodeID(id))?.record.incarnation ?? 0
            let other = UInt64(1 + random.below(9))
            return .memberReincarnated(
                .with {
                    $0.nodeID = id
                    $0.oldIncarnation = folder
                    $0.newIncarnation = other
                })
        default:
            let isOn = random.chance(50)
            return .nodeDrainRequested(
                .with {
                    $0.nodeID = id
                    $0.isOn = isOn
                })
        }
    }

    private mutating func addition(of id: UInt64) -> MemberAdded {
        var member = Self.voter(id)
        if random.chance(20) { member.roleCode = .gateway }
        if random.chance(5) { member.roleCode = .joining }
        return member
    }

    private static func voter(_ id: UInt64) -> MemberAdded {
        .with {
            $0.nodeID = id
            $0.roleCode = .voter
            $0.name = "node-\(id)"
        }
    }

    /// A configuration as the log may bring it: mostly what is wanted, sometimes joint.
    mutating func membership(for state: ClusterState) -> Membership {
        var (voters, outgoing, joining, gateways): ([NodeID], [NodeID], [NodeID], [NodeID]) = ([], [], [], [])
        for member in state.members {
            switch member.wanted {
            case .voter: if random.chance(80) { voters.append(member.id) } else { joining.append(member.id) }
            case .gateway: gateways.append(member.id)
            case .joining, nil: break
            }
            if member.role == .voter, random.chance(20) { outgoing.append(member.id) }
        }
        return Membership(voters: voters, outgoing: outgoing, joining: joining, gateways: gateways)
    }
}
