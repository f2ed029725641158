import ClusterState
import Raft
import SwiftProtobuf
import Testing

@Suite("Who shall take part")
struct MemberTests {
    /// A cluster, of version 2 if not told otherwise, with voters 1..., and what the log says of them.
    private struct Founded {
        var cluster: Cluster
        var membership: Membership

        init(voters: UInt64 = 3, version: UInt32 = 2) throws {
            cluster = try Cluster(nodes: 0)
            for id in 1...voters { try cluster.join(id, version: version) }
            try cluster.propose(.setMachineVersion(.with { $0.version = version }))
            membership = Membership(voters: (1...voters).map { NodeID($0) })
            #expect(try add(9).rejection == .stale, "nobody knows yet to whom")
            let members = (1...voters).map { MemberAdded.voter($0) }
            #expect(try cluster.propose(.membersFounded(.with { $0.members = members })).rejection == nil)
            #expect(try cluster.propose(.membersFounded(.with { $0.members = members })).rejection == .stale)
        }

        @discardableResult
        mutating func add(_ id: UInt64, _ role: MemberRoleCode = .voter) throws -> Applied {
            try cluster.propose(.memberAdded(.voter(id, role)))
        }

        @discardableResult
        mutating func remove(_ ids: UInt64...) throws -> Applied {
            try cluster.propose(.membersRemoved(.with { $0.nodeIds = ids }))
        }

        @discardableResult
        mutating func replace(_ old: UInt64, with new: UInt64) throws -> Applied {
            try cluster.propose(
                .memberReplaced(
                    .with {
                        $0.nodeID = old
                        $0.replacement = .voter(new)
                    }))
        }

        @discardableResult
        mutating func reincarnate(_ id: UInt64, from old: UInt64, to new: UInt64) throws -> Applied {
            try cluster.propose(
                .memberReincarnated(
                    .with {
                        $0.nodeID = id
                        $0.oldIncarnation = old
                        $0.newIncarnation = new
                    }))
        }

        /// The log brings a configuration.
        @discardableResult
        mutating func configure(_ next: Membership) -> Applied {
            membership = next
            return cluster.state.applyInternal(
                index: cluster.state.index.next, term: cluster.term, membership: next)
        }

        mutating func configure(_ change: MembershipChange) throws {
            let target = try membership.changed(by: change)
            if target.voters != membership.voters {
                configure(
                    Membership(
                        voters: target.voters, outgoing: membership.voters, joining: target.joining,
                        gateways: target.gateways))
            }
            configure(target)
        }

        func member(_ id: UInt64) -> MemberView? { cluster.state.member(NodeID(id)) }
    }

    @Test("before the version that knows members, a command about them changes nothing")
    func version() throws {
        var cluster = try Cluster(nodes: 1)
        #expect(
            try cluster.propose(.memberAdded(.voter(2))).rejection == .invalid(field: "machine_version"))
        #expect(cluster.state.members.isEmpty)
    }

    @Test("a node that is added has the roles that configurations give it, and may then become available")
    func adding() throws {
        var founded = try Founded()
        #expect(try founded.cluster.join(4, version: 2).rejection == .unknownNode)
        #expect(try founded.add(4).rejection == nil)
        #expect(founded.member(4)?.wanted == .voter && founded.member(4)?.role == nil)
        #expect(try founded.add(4).outcome == .done(count: 0), "as a repeated request")
        #expect(try founded.add(4, .gateway).rejection == .alreadyExists)
        #expect(try founded.add(5).rejection == .changeInFlight)
        try founded.configure(.join(NodeID(4)))
        #expect(founded.member(4)?.role == .joining && founded.member(4)?.isSettled == true)
        #expect(try founded.cluster.join(4, version: 2).rejection == nil)
        try founded.add(5)
        try founded.configure(.join(NodeID(5)))
        try founded.configure(.promote([NodeID(4), NodeID(5)]))
        #expect(founded.cluster.state.members.allSatisfy { $0.role == .voter && $0.isSettled })
    }

    @Test("there are at most seven voters, gateways aside")
    func limit() throws {
        var founded = try Founded(voters: 7)
        #expect(try founded.add(8).rejection == .tooManyVoters(limit: 7))
        #expect(try founded.add(8, .gateway).rejection == nil)
        try founded.configure(.addGateway(NodeID(8)))
        #expect(founded.member(8)?.role == .gateway && founded.member(8)?.isSettled == true)
        #expect(try founded.replace(1, with: 9).rejection == nil, "one goes as one comes")
    }

    @Test("a node that has left loses its tasks and its session, and its folder is known as one that left")
    func removing() throws {
        var founded = try Founded()
        for id in ["a", "b", "c"] { try founded.cluster.submit(id) }
        #expect(try founded.remove(7).rejection == .unknownNode)
        #expect(try founded.remove(1, 2, 3).rejection == .noVoterLeft)
        #expect(try founded.remove(3).rejection == nil)
        #expect(founded.member(3)?.wanted == nil && founded.cluster.state.node(NodeID(3)) != nil, "not yet")
        try founded.configure(.remove([NodeID(3)]))
        let state = founded.cluster.state
        #expect(state.member(NodeID(3)) == nil && state.node(NodeID(3)) == nil && state.members.count == 2)
        #expect(state.hasLeft(NodeID(3), incarnation: 103) && !state.hasLeft(NodeID(3), incarnation: 7))
        #expect(state.sessionFloor(of: .init(node: NodeID(3), boot: BootID(1))) == nil)
        try founded.cluster.fireAllTimers()
        #expect(founded.cluster.state.assignments(of: NodeID(3), boot: BootID(1)).isEmpty)
        #expect(try founded.cluster.join(3, boot: 2, version: 2).rejection == .unknownNode)
        try founded.add(3)
        try founded.configure(.join(NodeID(3)))
        #expect(try founded.cluster.join(3, incarnation: 7, version: 2).rejection == nil, "added anew")
    }

    @Test("a member goes when the one that replaces it has its vote", arguments: [UInt64(1), 3])
    func replacing(old: UInt64) throws {
        var founded = try Founded()
        #expect(try founded.replace(9, with: 2).rejection == .unknownNode)
        #expect(try founded.replace(old, with: 2).rejection == .alreadyExists)
        #expect(try founded.replace(old, with: 4).rejection == nil)
        try founded.configure(.join(NodeID(4)))
        #expect(try founded.remove(2).rejection == .changeInFlight)
        #expect(founded.member(4)?.isSettled == false && founded.member(old)?.wanted == .voter)
        try founded.configure(.replace(NodeID(old), with: NodeID(4)))
        #expect(founded.member(old) == nil && founded.member(4)?.isSettled == true)
        #expect(founded.cluster.state.node(NodeID(old)) == nil)
    }

    @Test("a replacement that never comes is given up by removing it")
    func givingUp() throws {
        var founded = try Founded()
        try founded.replace(3, with: 4)
        #expect(try founded.remove(4).rejection == nil)
        #expect(founded.member(4) == nil && founded.member(3)?.isSettled == true)
    }

    @Test("a member's new folder is accepted once its old one has no vote")
    func reincarnation() throws {
        var founded = try Founded()
        #expect(try founded.reincarnate(3, from: 7, to: 8).rejection == .stale)
        #expect(try founded.reincarnate(3, from: 103, to: 8).rejection == nil)
        #expect(try founded.reincarnate(3, from: 103, to: 8).outcome == .done(count: 0))
        #expect(founded.member(3)?.record.incarnation == 103)
        #expect(try founded.cluster.join(3, incarnation: 8, version: 2).rejection == .unknownIncarnation)
        let target = try founded.membership.changed(by: .rejoin(NodeID(3)))
        founded.configure(
            Membership(
                voters: target.voters, outgoing: founded.membership.voters, joining: target.joining))
        #expect(founded.member(3)?.record.incarnation == 103, "one of the two configurations still counts its vote")
        founded.configure(target)
        #expect(founded.member(3)?.record.incarnation == 8 && founded.member(3)?.isSettled == true)
        try founded.cluster.fireAllTimers()
        #expect(try founded.cluster.join(3, boot: 9, incarnation: 103, version: 2).rejection == .unknownIncarnation)
        #expect(try founded.cluster.join(3, incarnation: 8, version: 2).rejection == nil)
    }

    @Test(
        "a lost folder comes before every other change, which may wait for the vote that is lost; not before version 5")
    func lostFolderFirst() throws {
        for version in 4...5 as ClosedRange<UInt32> {
            var founded = try Founded(version: version)
            #expect(try founded.remove(1, 2).rejection == nil)
            let answer = try founded.reincarnate(3, from: 103, to: 8)
            #expect(answer.rejection == (version < 5 ? .changeInFlight : nil), "3 is all that would be left to vote")
        }
        var alone = try Founded(voters: 1, version: 5)
        #expect(try alone.reincarnate(1, from: 101, to: 8).rejection == .noVoterLeft)
    }

    @Test("that a member shall drain stays so over its boots")
    func draining() throws {
        var founded = try Founded()
        func drain(_ isOn: Bool) -> Command.OneOf_Body {
            .nodeDrainRequested(
                .with {
                    $0.nodeID = 2
                    $0.isOn = isOn
                })
        }
        try founded.cluster.propose(drain(true))
        try founded.cluster.join(2, boot: 2, version: 2)
        #expect(founded.member(2)?.record.drainRequested == true)
        try founded.cluster.propose(drain(false))
        #expect(founded.member(2)?.record.drainRequested == false)
    }

    @Test("members are part of a snapshot")
    func snapshot() throws {
        var founded = try Founded()
        try founded.remove(3)
        try founded.configure(.remove([NodeID(3)]))
        var writer = SnapshotWriter(founded.cluster.state)
        var reader = SnapshotReader()
        while let chunk = writer.next() { try reader.append(chunk) }
        let restored = try reader.finish()
        #expect(restored.members == founded.cluster.state.members)
        #expect(restored.hasLeft(NodeID(3), incarnation: 103))
        #expect(restored.canonicalDigest() == founded.cluster.state.canonicalDigest())
    }
}

extension MemberAdded {
    fileprivate static func voter(_ id: UInt64, _ role: MemberRoleCode = .voter) -> MemberAdded {
        .with {
            $0.nodeID = id
            $0.roleCode = role
            $0.peerAddress = "10.0.0.\(id):7000"
            $0.name = "node-\(id)"
        }
    }
}
