import ClusterState
import Raft
import SwiftProtobuf
import Testing

@testable import Orchestration
@testable import RaftServer

@Suite("The members as every node sees them", .serialized)
struct MemberViewTests {
    private func members(_ member: Member) -> ClusterMembers? { member.cluster.status?.members }

    @Test("every node tells of every member what the leader knows, and of one that dies that it is not reached")
    func everyNode() async throws {
        try await Nodes.run(3) { nodes in
            try await eventually("all nodes have the leader's view of all members") {
                nodes.members.allSatisfy { node in
                    guard let status = node.cluster.status, let leader = status.standing.leader else { return false }
                    return status.members.seenBy == leader && status.members.failureTolerance == 1
                        && status.members.members.allSatisfy {
                            $0.isReached && $0.match != nil && $0.lagEntries == 0 && $0.millisecondsSinceContact != nil
                        }
                }
            }
            let victim = try await nodes.follower()
            try await nodes.kill(victim)
            let rest = nodes.others(than: victim)
            try await eventually("the others know, whichever is asked") {
                rest.allSatisfy { node in
                    guard let members = members(node), members.seenBy == node.cluster.status?.standing.leader else {
                        return false
                    }
                    return members.members.filter { !$0.isReached }.map(\.id) == [victim.id]
                        && members.members.first { $0.id == victim.id }?.condition(in: node.cluster.state)
                            == .unreachable
                        && members.hasQuorum && members.failureTolerance == 0
                }
            }
        }
    }

    @Test("a node without a leader says what it knows by itself")
    func alone() async throws {
        try await Nodes.run(3) { nodes in
            let survivor = nodes.members[0]
            for node in nodes.others(than: survivor) { try await nodes.kill(node) }
            try await eventually("it sees no quorum") {
                guard let members = members(survivor) else { return false }
                return members.seenBy == survivor.id && !members.hasQuorum && members.failureTolerance < 0
                    && members.members.filter(\.isReached).map(\.id) == [survivor.id]
                    && survivor.cluster.status?.standing.leader == nil
            }
        }
    }

    @Test("a voter that is far behind is not counted on when another fails, until it has caught up")
    func lag() throws {
        let limits = ClusterLimits()
        let commit: UInt64 = 1_000_000
        func tolerance(_ matches: [UInt64]) -> Int {
            ClusterMembers(
                Self.leader(commit: commit, matches: matches), links: [], report: nil, limits: limits
            ).failureTolerance
        }
        #expect(tolerance([commit, commit]) == 1)
        #expect(tolerance([commit, commit - limits.memberLagEntries]) == 1)
        #expect(tolerance([commit, commit - limits.memberLagEntries - 1]) == 0)
        #expect(tolerance([0, 0]) == -1)
        let status = Self.leader(commit: commit, matches: [commit, 7])
        let members = ClusterMembers(status, links: [], report: nil, limits: limits).members
        #expect(members.map { $0.condition(in: ClusterState()) } == [.joining, .joining, .lagging])
        #expect(members[2].isReached && members[2].lagEntries == commit - 7)
    }

    @Test("what a newcomer lacks is said: the way to it, the log, or another to vote with")
    func obstacles() throws {
        struct Seen: Equatable {
            var obstacle: MemberObstacle?
            var isSettled: Bool
            init(_ obstacle: MemberObstacle?, settled: Bool) { (self.obstacle, isSettled) = (obstacle, settled) }
        }
        let three: [UInt64] = [1, 2, 3]
        func seen(
            voters: [UInt64], joining: [UInt64] = [], gateways: [UInt64] = [], match: UInt64, isReached: Bool = true
        ) -> Seen {
            let newcomers = joining + gateways
            var status = Self.leader(commit: 5000, matches: [5000, 5000])
            status.membership = Membership(
                voters: voters.map { NodeID($0) }, joining: joining.map { NodeID($0) },
                gateways: gateways.map { NodeID($0) })
            status.peers += newcomers.map {
                .init(id: NodeID($0), match: LogIndex(match), isReachable: isReached, millisecondsSinceContact: 20)
            }
            let members = ClusterMembers(status, links: [], report: nil, limits: ClusterLimits())
            let member = MemberView(
                id: NodeID(newcomers[0]),
                record: .with {
                    $0.wantedCode = joining.isEmpty ? .gateway : .voter
                    $0.roleCode = joining.isEmpty ? .gateway : .joining
                })
            let state = ClusterState()
            return Seen(
                members.obstacle(of: member, in: state), settled: members.isSettled(member, in: state))
        }
        #expect(seen(voters: three, joining: [4], match: 0, isReached: false) == Seen(.unreached, settled: false))
        #expect(seen(voters: three, joining: [4], match: 0) == Seen(.behind(entries: 5000), settled: false))
        #expect(seen(voters: three, joining: [4], match: 10) == Seen(.behind(entries: 4990), settled: false))
        #expect(seen(voters: three, joining: [4], match: 4990) == Seen(.partner, settled: true))
        #expect(seen(voters: three, joining: [4, 5], match: 4990) == Seen(.dueToVote, settled: false))
        #expect(seen(voters: [1, 2], joining: [4], match: 4990) == Seen(.dueToVote, settled: false))
        #expect(seen(voters: three, gateways: [4], match: 0, isReached: false) == Seen(.unreached, settled: false))
        #expect(seen(voters: three, gateways: [4], match: 10) == Seen(.behind(entries: 4990), settled: false))
    }

    @Test("a report counts in its own term, from the leader of that term, and not for ever")
    func validity() throws {
        let limits = ClusterLimits()
        let report = MemberReport(of: Self.leader(commit: 10, matches: [10, 3]), links: [], limits: limits)
        func view(leader: UInt64? = 1, term: UInt64 = 5, age: UInt64 = 0) -> ClusterMembers {
            var status = Self.leader(commit: 12, matches: [])
            status.id = NodeID(2)
            status.standing = Standing(role: .follower, term: Term(term), leader: leader.map { NodeID($0) })
            return ClusterMembers(status, links: [], report: (report, age), limits: limits)
        }
        #expect(view().seenBy == NodeID(1))
        #expect(view().members.map(\.lagEntries) == [0, 0, 7])
        #expect(view(age: limits.memberReportMilliseconds).seenBy == NodeID(1))
        for other in [
            view(leader: 3), view(leader: nil), view(term: 6), view(age: limits.memberReportMilliseconds + 1),
        ] {
            #expect(other.seenBy == NodeID(2))
            #expect(other.members.map(\.isReached) == [false, true, false], "without links it hears only itself")
        }
    }

    @Test("a report is what it was after its journey; what no member sends is none")
    func coding() throws {
        var report = MemberReport(of: Self.leader(commit: 10, matches: [10, 3]), links: [], limits: ClusterLimits())
        report.rows[2].isReached = false
        let bytes = report.encoded()
        #expect(MemberReport(decoding: bytes, from: NodeID(1)) == report)
        for count in 0..<bytes.count where count != 16 + 25 && count != 16 + 50 {
            #expect(MemberReport(decoding: Array(bytes.prefix(count)), from: NodeID(1)) == nil)
        }
    }

    private static func leader(commit: UInt64, matches: [UInt64]) -> ServerStatus {
        let commit = LogIndex(commit)
        return ServerStatus(
            id: NodeID(1), standing: Standing(role: .leader, term: Term(5), leader: NodeID(1)),
            membership: Membership(voters: [NodeID(1), NodeID(2), NodeID(3)]), lastIndex: commit,
            firstIndex: LogIndex(1), commitIndex: commit, durableIndex: commit, appliedIndex: commit,
            snapshotIndex: .zero,
            peers: matches.enumerated().map {
                .init(
                    id: NodeID(UInt64($0 + 2)), match: LogIndex($1), isReachable: true, millisecondsSinceContact: 20)
            }, millisecondsSinceLeaderContact: 0, clusterTimeMicroseconds: 1, hasLostMajority: false, halted: nil)
    }
}
