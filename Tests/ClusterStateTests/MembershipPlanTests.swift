import Raft
import SwiftProtobuf
import Testing

@testable import ClusterState

@Suite("From the members that are to those that shall be")
struct MembershipPlanTests {
    private static func member(
        _ id: UInt64, _ wanted: MemberRoleCode, replaces: UInt64 = 0, nextIncarnation: UInt64 = 0
    ) -> MemberView {
        MemberView(
            id: NodeID(id),
            record: .with {
                $0.wantedCode = wanted
                $0.replaces = replaces
                $0.nextIncarnation = nextIncarnation
            })
    }

    private static func membership(
        _ voters: [UInt64], outgoing: [UInt64] = [], joining: [UInt64] = [], gateways: [UInt64] = []
    ) -> Membership {
        Membership(
            voters: voters.map { NodeID($0) }, outgoing: outgoing.map { NodeID($0) },
            joining: joining.map { NodeID($0) }, gateways: gateways.map { NodeID($0) })
    }

    private static let three = [member(1, .voter), member(2, .voter), member(3, .voter)]

    @Test("what is as wanted is left alone, and so is a change under way")
    func nothing() {
        #expect(MembershipPlan.next(Self.membership([1, 2, 3]), Self.three, busy: []) == nil)
        #expect(MembershipPlan.next(Self.membership([1, 2], outgoing: [1, 2, 3]), Self.three, busy: []) == nil)
        let joining = Self.three + [Self.member(4, .voter)]
        #expect(
            MembershipPlan.next(Self.membership([1, 2, 3], joining: [4]), joining, busy: []) == nil,
            "Raft promotes by itself")
    }

    @Test("who is missing comes in its role, who shall go goes together")
    func comingAndGoing() {
        let three = Self.membership([1, 2, 3])
        #expect(MembershipPlan.next(three, Self.three + [Self.member(4, .voter)], busy: []) == .join(NodeID(4)))
        #expect(MembershipPlan.next(three, Self.three + [Self.member(4, .gateway)], busy: []) == .addGateway(NodeID(4)))
        let two = [Self.member(1, .voter), Self.member(2, .unspecified), Self.member(3, .unspecified)]
        #expect(MembershipPlan.next(three, two, busy: []) == .remove([NodeID(2), NodeID(3)]))
        #expect(MembershipPlan.next(three, two, busy: [NodeID(3)]) == nil, "one that has clients is waited for")
    }

    @Test("a replacement joins, then takes the vote; where there was room for both, the old one just goes")
    func replacing() {
        let members = Self.three + [Self.member(4, .voter, replaces: 3)]
        #expect(MembershipPlan.next(Self.membership([1, 2, 3]), members, busy: []) == .join(NodeID(4)))
        #expect(
            MembershipPlan.next(Self.membership([1, 2, 3], joining: [4]), members, busy: [])
                == .replace(NodeID(3), with: NodeID(4)))
        #expect(MembershipPlan.next(Self.membership([1, 2, 3], joining: [4]), members, busy: [NodeID(3)]) == nil)
        let room = [Self.member(1, .voter), Self.member(3, .voter), Self.member(4, .voter, replaces: 3)]
        #expect(MembershipPlan.next(Self.membership([1, 3, 4]), room, busy: []) == .remove([NodeID(3)]))
        let lost = Self.membership([1, 2, 4], joining: [3])
        #expect(MembershipPlan.next(lost, members, busy: []) == .remove([NodeID(3)]), "it had lost its disk meanwhile")
    }

    @Test("when all that vote shall leave, one that stays takes a vote first")
    func allVotersLeave() {
        let members = [Self.member(1, .unspecified), Self.member(2, .voter)]
        #expect(
            MembershipPlan.next(Self.membership([1], joining: [2]), members, busy: [])
                == .replace(NodeID(1), with: NodeID(2)),
            "the promotion would make two voters, which does not come by itself")
        #expect(MembershipPlan.next(Self.membership([1]), members, busy: []) == .join(NodeID(2)))
    }

    @Test("a member that lost its folder loses its vote before anything else happens")
    func rejoining() {
        let members = [
            Self.member(1, .voter), Self.member(2, .voter, nextIncarnation: 9), Self.member(3, .unspecified),
        ]
        #expect(MembershipPlan.next(Self.membership([1, 2, 3]), members, busy: []) == .rejoin(NodeID(2)))
        #expect(MembershipPlan.next(Self.membership([1, 3], joining: [2]), members, busy: []) == .remove([NodeID(3)]))
    }
}
