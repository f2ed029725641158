import Testing

@testable import Raft

/// The two figures of the Raft paper that show what can go wrong with logs.
@Suite("Figures of the paper")
struct PaperFigures {
    /// The follower's log of figure 7 by its letter: terms of its entries.
    static let followers: [(String, [Term])] = [
        ("a: an entry is missing", [1, 1, 1, 4, 4, 5, 5, 6, 6]),
        ("b: many entries are missing", [1, 1, 1, 4]),
        ("c: an entry too many", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]),
        ("d: entries of a later term", [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]),
        ("e: missing and too many", [1, 1, 1, 4, 4, 4, 4]),
        ("f: two lost terms", [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]),
    ]

    @Test("figure 7: a new leader makes every follower's log its own", arguments: followers)
    func figure7(what: String, terms: [Term]) {
        var leader = Raft.node(1, of: 7, term: 7, logTerms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6])
        leader.winElection()
        let follower = Raft.node(2, of: 7, term: 7, logTerms: terms)
        var exchange = Exchange([leader, follower])
        exchange.step(1, .linkUp(2))
        let rounds = exchange.settle()
        #expect(exchange[2].logTerms == [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8])
        #expect(exchange[2].logTerms == exchange[1].logTerms)
        // At most one question for each of the follower's terms that the leader does not have, each a round trip.
        #expect(rounds ?? .max <= 10, "\(what)")
    }

    @Test("figure 8 (P2): an entry of an older term on a majority is not committed by counting")
    func figure8() {
        // S1 led term 2 and reached S2 only; S5 led term 3 and reached nobody; S1 leads again, in term 4.
        var leader = Raft.node(1, of: 5, term: 3, logTerms: [1, 2])
        leader.winElection()
        #expect(leader.hardState.term == 4)
        #expect(leader.logTerms == [1, 2, 4])
        _ = leader.hears(.appendAccepted(match: 2), from: 2, term: 4)
        _ = leader.hears(.appendAccepted(match: 2), from: 3, term: 4)
        #expect(leader.commitIndex == 0, "index 2 is on three of five, and S5 could still replace it")
        _ = leader.hears(.appendAccepted(match: 3), from: 2, term: 4)
        #expect(leader.commitIndex == 0)
        let effects = leader.hears(.appendAccepted(match: 3), from: 3, term: 4)
        #expect(leader.commitIndex == 3, "with an entry of its own term everything before it is committed")
        #expect(effects.applied.map(\.index) == [1, 2, 3])
    }

    @Test("figure 8: S5 is elected with its entry of term 3 as long as nothing of term 4 is on a majority")
    func figure8Successor() {
        var voter = Raft.node(3, of: 5, term: 4, votedFor: 1, logTerms: [1, 2])
        let answer = voter.hears(.voteRequest(lastLog: .at(2, 3), transfer: false), from: 5, term: 5)
        #expect(answer.bodies == [.voteResponse(granted: true)])
        var laterVoter = Raft.node(3, of: 5, term: 4, votedFor: 1, logTerms: [1, 2, 4])
        let refusal = laterVoter.hears(.voteRequest(lastLog: .at(2, 3), transfer: false), from: 5, term: 5)
        #expect(refusal.bodies == [.voteResponse(granted: false)])
    }
}
