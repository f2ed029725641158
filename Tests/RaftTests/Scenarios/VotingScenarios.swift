import Testing

@testable import Raft

@Suite("Scenarios: votes")
struct VotingScenarios {
    @Test("P7: after a restart the vote is still given, to the same candidate and to nobody else")
    func voteSurvivesRestart() {
        var node = Raft.node(2, of: 3, term: 5, votedFor: 1)
        #expect(
            node.hears(.voteRequest(lastLog: .zero, transfer: false), from: 3, term: 5).bodies == [
                .voteResponse(granted: false)
            ])
        #expect(
            node.hears(.voteRequest(lastLog: .zero, transfer: false), from: 1, term: 5).bodies == [
                .voteResponse(granted: true)
            ])
    }

    @Test("a candidate asks for votes only once its own vote and its log are durable")
    func candidacyIsDurable() throws {
        var node = Raft.node(1, of: 3, term: 4)
        _ = node.step(.tick, at: node.nextDeadline)
        let message = Message(from: 2, to: 1, term: 4, body: .preVoteResponse(granted: true, candidacy: 5))
        let effects = node.step(.message(message), at: node.now)
        #expect(node.role == .candidate && effects.messages.isEmpty)
        let write = try #require(effects.writes.first)
        #expect(write.hardState == HardState(term: 5, votedFor: 1))
        #expect(node.step(.persisted(write.token), at: node.now).messages.map(\.to) == [2, 3])
    }

    @Test("who hears a leader gives no pre-vote and no vote, except in a transfer that the leader began")
    func stickiness() {
        var node = Raft.node(2, of: 3, term: 5)
        _ = node.hears(.heartbeat(commit: 0, round: 1), from: 1, term: 5)
        #expect(
            node.hears(.preVoteRequest(lastLog: .zero), from: 3, term: 5).bodies == [
                .preVoteResponse(granted: false, candidacy: 6)
            ])
        #expect(node.hears(.voteRequest(lastLog: .zero, transfer: false), from: 3, term: 6).isEmpty)
        #expect(node.hardState.term == 5)
        let transfer = node.hears(.voteRequest(lastLog: .zero, transfer: true), from: 3, term: 6)
        #expect(transfer.bodies == [.voteResponse(granted: true)])
    }

    @Test("a late copy of the leader's vote request does not make a follower forget its leader")
    func repeatedRequest() {
        var node = Raft.node(2, of: 3, term: 4)
        _ = node.hears(.voteRequest(lastLog: .zero, transfer: false), from: 1, term: 5)
        _ = node.hears(.heartbeat(commit: 0, round: 1), from: 1, term: 5)
        let deadline = node.nextDeadline
        let effects = node.hears(.voteRequest(lastLog: .zero, transfer: false), from: 1, term: 5, at: Tick(10))
        #expect(effects == [.send(Message(from: 2, to: 1, term: 5, body: .voteResponse(granted: true)))])
        #expect(node.standing == Standing(role: .follower, term: 5, leader: 1))
        #expect(node.nextDeadline == deadline)
    }

    @Test("answers of those who have no vote are not counted")
    func strangers() {
        var node = Raft.node(1, of: 3, term: 4)
        _ = node.stepDurably(.tick, at: node.nextDeadline)
        for stranger: NodeID in [7, 8, 9] {
            _ = node.hears(.preVoteResponse(granted: true, candidacy: 5), from: stranger, term: 4)
        }
        #expect(node.role == .preCandidate)
        #expect(node.ballot?.granted == [1] && node.ballot?.refused == [])
    }

    @Test("a late answer to an earlier campaign is not counted in this one")
    func lateAnswer() {
        var node = Raft.node(1, of: 3, term: 4)
        _ = node.stepDurably(.tick, at: node.nextDeadline)
        _ = node.hears(.preVoteResponse(granted: true, candidacy: 4), from: 2, term: 3)
        #expect(node.role == .preCandidate)
        _ = node.hears(.preVoteResponse(granted: true, candidacy: 5), from: 2, term: 4)
        #expect(node.role == .candidate)
        _ = node.hears(.voteResponse(granted: true), from: 2, term: 4)
        #expect(node.role == .candidate)
        _ = node.hears(.voteResponse(granted: true), from: 2, term: 5)
        #expect(node.role == .leader)
    }

    @Test("a leader that no longer hears a quorum steps down by itself, and says so to those who wait")
    func quorumCheck() {
        var leader = Raft.node(1, of: 3)
        leader.winElection()
        _ = leader.step(.read(ReadToken(rawValue: 7)), at: leader.now)
        var effects: [Effect] = []
        let start = leader.now
        while leader.role == .leader { effects += leader.stepDurably(.tick, at: leader.nextDeadline) }
        #expect(leader.now.since(start) <= 2 * leader.settings.electionMilliseconds)
        #expect(effects.contains(.readRejected(ReadToken(rawValue: 7), .notLeader(leader: nil))))
        #expect(effects.contains(.roleChanged(Standing(role: .follower, term: 1, leader: nil))))
    }
}
