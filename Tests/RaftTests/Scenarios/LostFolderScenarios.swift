import Testing

@testable import Raft

/// A node that lost its disk and comes back with another folder: who may count on it, and when (P22).
@Suite("Scenarios: lost folders")
struct LostFolderScenarios {
    /// A folder made for a running cluster, which has read the log up to the configuration that the node alone once was.
    private func newcomer() -> Raft {
        let alone = Membership(voters: [1])
        return Raft(
            id: 1, settings: RaftSettings(seed: 1),
            restored: Raft.Restored(
                hardState: HardState(term: 3, votedFor: nil),
                snapshot: SnapshotDescriptor(position: .zero, membership: .empty), base: .zero,
                entries: [Entry(index: 1, term: 1, kind: .configuration, data: alone.encoded()[...])],
                isNewcomer: true, recognized: []),
            now: .zero)
    }

    @Test("a newcomer does not elect itself with a vote that a folder before its own had, until the cluster knows it")
    func newcomerDoesNotCampaign() {
        var node = newcomer()
        #expect(node.membership == Membership(voters: [1]))
        for _ in 1...20 { _ = node.stepDurably(.tick, at: node.nextDeadline) }
        #expect(node.role == .follower && node.standing.term == 3)
        _ = node.stepDurably(.recognized([2]), at: node.now)
        _ = node.stepDurably(.tick, at: node.nextDeadline)
        #expect(node.role == .follower, "another node was recognized")
        _ = node.stepDurably(.recognized([1, 2]), at: node.now)
        _ = node.stepDurably(.tick, at: node.nextDeadline)
        #expect(node.role == .leader)
    }

    @Test("a newcomer that is told to take over does not")
    func newcomerIsToldToTakeOver() {
        var node = newcomer()
        _ = node.hears(.heartbeat(commit: 1, round: 1), from: 2, term: 3)
        #expect(node.hears(.timeoutNow, from: 2, term: 3).isEmpty)
        #expect(node.role == .follower)
    }

    @Test("nobody gets a vote before the cluster knows its folder, as of the configuration in force")
    func voteNeedsRecognition() {
        var exchange = Exchange.led(voters: 2, strangers: [3])
        exchange.step(1, .recognized([1, 2]))
        exchange.change(at: 1, .join(3))
        _ = exchange.settle()
        exchange.beat(1, times: 5)
        exchange.step(1, .applied(exchange[1].lastLog.index))
        #expect(exchange[1].membership == Membership(voters: [1, 2], joining: [3]))
        #expect(exchange.change(at: 1, .replace(2, with: 3)) == .failure(.isNotRecognized(3)))
        exchange.step(1, .recognized([1, 2, 3]))
        _ = exchange.settle()
        #expect(exchange[1].membership == .voters(3))
    }

    @Test("who is known by what was applied before its configuration may be known by the folder before")
    func recognizedBeforeItsConfiguration() {
        var exchange = Exchange.led(voters: 2, strangers: [3])
        exchange.change(at: 1, .join(3))
        exchange.step(1, .recognized([1, 2, 3]))
        _ = exchange.settle()
        exchange.beat(1, times: 5)
        #expect(exchange[1].membership == Membership(voters: [1, 2], joining: [3]), "it is not applied")
        exchange.step(1, .applied(exchange[1].lastLog.index))
        exchange.step(1, .recognized([1, 2, 3]))
        _ = exchange.settle()
        #expect(exchange[1].membership == .voters(3))
    }

    @Test("a change counts on nobody whom the leader has not heard, nor whose connection has closed since")
    func changeCountsOnWhoIsHeard() {
        var leader = Raft.node(1, of: 5)
        leader.winElection()
        for peer in 2...3 as ClosedRange<UInt64> {
            _ = leader.hears(
                .appendAccepted(match: leader.lastLog.index), from: NodeID(peer), term: leader.standing.term)
        }
        func answer() -> [Effect] { leader.stepDurably(.changeMembership(7, .remove([2, 3])), at: leader.now) }
        let tooFew = Effect.membershipChangeRejected(7, .quorumAtRisk(inTouch: 1, needed: 2))
        #expect(answer().contains(tooFew), "a new leader gives everybody time, which is not an answer")
        _ = leader.hears(.appendAccepted(match: 1), from: 4, term: leader.standing.term)
        _ = leader.stepDurably(.linkDown(4), at: leader.now)
        #expect(answer().contains(tooFew))
        _ = leader.hears(.appendAccepted(match: 1), from: 4, term: leader.standing.term)
        #expect(!answer().contains(tooFew))
    }
}
