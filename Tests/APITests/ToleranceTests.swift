import ClusterState
import Raft
import Testing

@testable import API
@testable import Orchestration
@testable import RaftServer

@Suite("What a change of the members does to the failures that are tolerated")
struct ToleranceTests {
    /// Voters 1 to `count`, as their leader sees them.
    private func change(
        _ count: UInt64, down: [UInt64], removing: [UInt64] = [], adding: [UInt64] = [], heirs: [UInt64] = []
    ) -> MemberChange {
        func ids(_ numbers: [UInt64]) -> [NodeID] { numbers.map { NodeID($0) } }
        let (cluster, commit) = (TestCluster(), LogIndex(9))
        cluster.foundMembers(count)
        let server = ServerStatus(
            id: NodeID(1), standing: Standing(role: .leader, term: Term(5), leader: NodeID(1)),
            membership: Membership(voters: ids(Array(1...count))), lastIndex: commit, firstIndex: LogIndex(1),
            commitIndex: commit, durableIndex: commit, appliedIndex: commit, snapshotIndex: .zero,
            peers: (1...count).dropFirst().map {
                .init(
                    id: NodeID($0), match: commit, isReachable: !down.contains($0), millisecondsSinceContact: 20)
            }, millisecondsSinceLeaderContact: 0, clusterTimeMicroseconds: 1, hasLostMajority: false, halted: nil)
        let members = ClusterMembers(server, links: [], report: nil, limits: ClusterLimits())
        return MemberChange(
            ids(removing + adding + heirs), in: cluster.state, members, removing: ids(removing), adding: ids(adding),
            heirs: ids(heirs))
    }

    @Test("a member that is down has failed already, before the change and after it")
    func down() {
        let removal = change(3, down: [3], removing: [3])
        #expect(removal.toleranceBefore == 0 && removal.tolerance == 0 && removal.voters.count == 2)
        let addition = change(3, down: [3], adding: [4])
        #expect(addition.toleranceBefore == 0 && addition.tolerance == 0)
        let replacement = change(3, down: [3], removing: [3], heirs: [4])
        #expect(replacement.toleranceBefore == 0 && replacement.tolerance == 1)
        #expect(change(3, down: [3], adding: [3]).tolerance == 1, "it has come back with a new folder")
        #expect(change(5, down: [4], removing: [5]).tolerance == 0)
    }

    @Test("voters stay odd where one joins, and the one too many is not counted")
    func odd() {
        let first = change(3, down: [], adding: [4])
        #expect(first.voters == [NodeID(1), NodeID(2), NodeID(3)])
        #expect(first.toleranceBefore == 1 && first.tolerance == 1)
        let both = change(3, down: [], adding: [4, 5])
        #expect(both.voters.count == 5 && both.tolerance == 2)
        #expect(change(4, down: [], removing: [4], heirs: [5]).voters.count == 4)
        #expect(change(3, down: [], removing: [3]).voters.count == 2)
    }

    @Test("a member whose folder is new has no vote until it has caught up, and the others must do without")
    func risk() {
        #expect(change(3, down: [3], adding: [3]).risk == nil)
        #expect(change(3, down: [2, 3], adding: [3]).risk?.contains("of the 2 voters that stay, 1 can be") == true)
    }
}
