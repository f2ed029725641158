import Testing

@testable import Raft

@Suite("Scenarios: replication")
struct ReplicationScenarios {
    @Test("P8: what was acknowledged in passing, while its write was under way, waits as well")
    func repeatedAppendWaits() throws {
        var node = Raft.node(2, of: 3, term: 1)
        let append = Message.AppendEntries(previous: .zero, entries: [.command(1, 1)], commit: 0)
        let message = Message(from: 1, to: 2, term: 1, body: .appendEntries(append))
        let write = try #require(node.step(.message(message), at: .zero).writes.first)
        for _ in 0..<1000 { #expect(node.step(.message(message), at: .zero).isEmpty) }
        let after = node.step(.persisted(write.token), at: .zero)
        #expect(after.bodies == [.appendAccepted(match: 1)], "the repetitions did not pile up")
    }

    @Test(
        "a follower whose answer came too late to matter for the commit is told of it at once, not by the next heartbeat"
    )
    func lateAnswer() {
        var leader = Raft.node(1, of: 3)
        leader.winElection()
        let first = leader.hears(.appendAccepted(match: 1), from: 2, term: 1)
        #expect(first.messages(to: 3).isEmpty, "it is not known to have the entry")
        let late = leader.hears(.appendAccepted(match: 1), from: 3, term: 1)
        #expect(late.messages(to: 3).map(\.body) == [.heartbeat(commit: 1, round: 0)])
    }

    @Test("a member that denies what it acknowledged counts no more for it, is brought up again, and is told of once")
    func forgetfulMember() throws {
        var leader = Raft.node(1, of: 3)
        leader.winElection()
        _ = leader.hears(.appendAccepted(match: 1), from: 2, term: 1)
        _ = leader.stepDurably(.propose((1...4).map { Proposal(token: $0, data: [1]) }), at: leader.now)
        _ = leader.hears(.appendAccepted(match: 5), from: 2, term: 1)
        #expect(leader.commitIndex == 5)
        // Its disk was put back to where it had two entries, and it has started anew.
        _ = leader.stepDurably(.linkDown(2), at: leader.now)
        _ = leader.stepDurably(.linkUp(2), at: leader.now)
        let answer = leader.hears(.appendRejected(rejected: 5, hint: .at(2, 1)), from: 2, term: 1)
        #expect(answer.contains(.memberForgot(2, acknowledged: 5, last: 2)))
        #expect(answer.messages(to: 2).count == 1)
        #expect(leader.peers.first { $0.id == 2 }?.match == 0)
        let again = leader.hears(.appendAccepted(match: 5), from: 2, term: 1)
        #expect(!again.contains { if case .memberForgot = $0 { true } else { false } })
        #expect(leader.peers.first { $0.id == 2 }?.match == 5)
    }

    /// The divergent tail: 10,000 entries in one foreign term, and in ten.
    @Test("P25: a divergent tail of 10,000 entries is found in a few rounds", arguments: [1, 10])
    func divergentTail(foreignTerms: Int) {
        let common = Array(repeating: Term(1), count: 100)
        let tail = (0..<10_000).map { Term(UInt64(2 + 2 * ($0 * foreignTerms / 10_000))) }
        let own = (0..<10_000).map { Term(UInt64(3 + 2 * ($0 * foreignTerms / 10_000))) }
        var leader = Raft.node(1, of: 3, term: 40, logTerms: common + own)
        leader.winElection()
        var exchange = Exchange([leader, Raft.node(2, of: 3, term: 40, logTerms: common + tail)])
        exchange.step(1, .linkUp(2))
        var rounds = 0
        while exchange[2].lastLog != exchange[1].lastLog, rounds < 1000 {
            exchange.round()
            rounds += 1
        }
        // Each question passes a whole term on one side or the other; then the entries go in messages of 256 KiB.
        let probing = 2 * (2 * foreignTerms + 2)
        let sending = 2 * (10_001 * 36 / exchange[1].settings.maximumAppendBytes + 2)
        #expect(rounds <= probing + sending)
        #expect(exchange[2].logTerms == exchange[1].logTerms)
    }

    @Test("no more messages are in flight than the limit, and an answer lets the next one go")
    func window() {
        var settings = RaftSettings(seed: 1)
        settings.maximumInFlightAppends = 2
        var leader = Raft.node(1, of: 3, settings: settings)
        leader.winElection()
        _ = leader.hears(.appendAccepted(match: 1), from: 2, term: 1)
        var sent: [Message] = []
        for token in 1...5 {
            sent += leader.stepDurably(.propose([Proposal(token: UInt64(token), data: [1])]), at: leader.now).messages(
                to: 2)
        }
        #expect([Effect].bodies(sent).appends.map { $0.entries.map(\.index) } == [[2], [3]])
        let next = leader.hears(.appendAccepted(match: 2), from: 2, term: 1).messages(to: 2)
        #expect(
            [Effect].bodies(next).appends.map { $0.entries.map(\.index) } == [[4, 5, 6]], "what waited goes together")
    }
}

extension [Effect] {
    static func bodies(_ messages: [Message]) -> [Effect] { messages.map { .send($0) } }
}
