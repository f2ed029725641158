import Testing

@testable import Raft

/// Preferred leaders: a preference that never stands in the way of having a leader.
@Suite("Scenarios: priority")
struct PriorityScenarios {
    private static func node(_ priority: UInt64, of voters: Int = 3) -> Raft {
        var settings = RaftSettings(seed: 7)
        settings.priority = priority
        return .node(1, of: voters, settings: settings)
    }

    /// How many election timeouts pass before the node asks for pre-votes.
    private func timeoutsBeforeCampaign(_ node: inout Raft) -> Int {
        for passed in 0..<10 {
            _ = node.step(.tick, at: node.nextDeadline)
            if node.standing.role != .follower { return passed }
        }
        return 10
    }

    @Test("each step below the highest leaves one election timeout to the others, and no more", arguments: 0...3)
    func decays(priority: UInt64) {
        var node = Self.node(priority)
        #expect(timeoutsBeforeCampaign(&node) == Int(RaftSettings.highestPriority - priority))
        // Nobody else took it: from now on it campaigns like anybody.
        let deadline = node.nextDeadline
        let effects = node.step(.tick, at: deadline)
        #expect(effects.contains { if case .send(let message) = $0 { message.isPreVoteRequest } else { false } })
    }

    @Test("once a leader was heard the others are preferred again")
    func restored() {
        var node = Self.node(1)
        #expect(timeoutsBeforeCampaign(&node) == 2)
        _ = node.hears(.heartbeat(commit: .zero, round: 1), from: 2, term: 5, at: node.now)
        #expect(timeoutsBeforeCampaign(&node) == 2)
    }

    @Test(
        "when the leader's connection closes all of a higher priority campaign first, and then it does, without waiting long"
    )
    func suspicion() {
        func delay(_ priority: UInt64) -> UInt64 {
            var node = Self.node(priority)
            _ = node.hears(.heartbeat(commit: .zero, round: 1), from: 3, term: 5)
            _ = node.step(.linkDown(3), at: node.now)
            while node.standing.role == .follower { _ = node.step(.tick, at: node.nextDeadline) }
            return node.now.rawValue
        }
        let settings = RaftSettings(seed: 7)
        let delays = (0...RaftSettings.highestPriority).reversed().map(delay)
        #expect(delays == [0, 1, 2, 3].map { $0 * 2 * settings.suspicionStaggerMilliseconds })
    }

    @Test("a single voter leaves nothing to nobody")
    func alone() {
        var node = Self.node(0, of: 1)
        #expect(timeoutsBeforeCampaign(&node) == 0)
    }
}

extension Message {
    fileprivate var isPreVoteRequest: Bool { if case .preVoteRequest = body { true } else { false } }
}
