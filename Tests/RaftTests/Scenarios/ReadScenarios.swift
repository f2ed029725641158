import Testing

@testable import Raft

@Suite("Scenarios: reads")
struct ReadScenarios {
    private func leader(voters: Int = 3, settings: RaftSettings = RaftSettings(seed: 1)) -> Raft {
        var leader = Raft.node(1, of: voters, settings: settings)
        leader.winElection()
        return leader
    }

    private func token(_ number: UInt64) -> ReadToken { ReadToken(rawValue: number) }

    private func rounds(_ effects: [Effect]) -> [UInt64] {
        effects.messages(to: 2).compactMap {
            if case .heartbeat(_, let round) = $0.body, round > 0 { round } else { nil }
        }
    }

    @Test("P3: a read waits until the leader has committed an entry of its own term")
    func ownTermFirst() {
        var leader = leader()
        #expect(rounds(leader.step(.read(token(1)), at: leader.now)) == [])
        // A round of heartbeats before that proves nothing about what is committed.
        let beat = rounds(leader.step(.tick, at: leader.nextDeadline))
        #expect(beat.count == 1)
        #expect(leader.hears(.heartbeatResponse(round: beat[0]), from: 2, term: 1).contains { isReady($0) } == false)
        let committed = leader.hears(.appendAccepted(match: 1), from: 2, term: 1)
        let round = rounds(committed)
        #expect(leader.commitIndex == 1 && round.count == 1)
        let answer = leader.hears(.heartbeatResponse(round: round[0]), from: 2, term: 1)
        #expect(answer.contains(.readReady(token(1), index: 1)))
    }

    @Test("P4: a late answer to an earlier round does not confirm a read that came after it")
    func lateAnswer() {
        var leader = leader()
        _ = leader.hears(.appendAccepted(match: 1), from: 2, term: 1)
        let first = rounds(leader.step(.read(token(1)), at: leader.now))
        #expect(
            leader.hears(.heartbeatResponse(round: first[0]), from: 2, term: 1).contains(.readReady(token(1), index: 1))
        )
        let second = rounds(leader.step(.read(token(2)), at: leader.now))
        #expect(second == [first[0] + 1])
        #expect(!leader.hears(.heartbeatResponse(round: first[0]), from: 3, term: 1).contains { isReady($0) })
        #expect(
            leader.hears(.heartbeatResponse(round: second[0]), from: 3, term: 1).contains(
                .readReady(token(2), index: 1)))
    }

    @Test("reads that come during a round share the next one")
    func sharedRound() {
        var leader = leader()
        _ = leader.hears(.appendAccepted(match: 1), from: 2, term: 1)
        let first = rounds(leader.step(.read(token(1)), at: leader.now))
        for number: UInt64 in 2...50 { #expect(leader.step(.read(token(number)), at: leader.now).isEmpty) }
        let effects = leader.hears(.heartbeatResponse(round: first[0]), from: 2, term: 1)
        #expect(effects.filter { isReady($0) } == [.readReady(token(1), index: 1)])
        let second = rounds(effects)
        #expect(leader.hears(.heartbeatResponse(round: second[0]), from: 2, term: 1).filter { isReady($0) }.count == 49)
    }

    @Test("a single node answers at once, a node that does not lead names the leader")
    func alone() {
        var single = leader(voters: 1)
        #expect(single.step(.read(token(1)), at: single.now).contains(.readReady(token(1), index: 1)))
        var follower = Raft.node(2, of: 3, term: 5)
        _ = follower.hears(.heartbeat(commit: 0, round: 1), from: 3, term: 5)
        #expect(follower.step(.read(token(2)), at: .zero) == [.readRejected(token(2), .notLeader(leader: 3))])
    }

    @Test("no more reads wait than the limit")
    func limit() {
        var settings = RaftSettings(seed: 1)
        settings.maximumPendingReads = 2
        var leader = leader(settings: settings)
        for number: UInt64 in 1...2 { #expect(leader.step(.read(token(number)), at: leader.now).isEmpty) }
        #expect(leader.step(.read(token(3)), at: leader.now) == [.readRejected(token(3), .overloaded)])
    }

    @Test("P5: reads go on during a transfer, and end with the leadership")
    func duringTransfer() {
        var leader = leader()
        _ = leader.hears(.appendAccepted(match: 1), from: 2, term: 1)
        _ = leader.step(.transferLeadership(to: 2), at: leader.now)
        let round = rounds(leader.step(.read(token(1)), at: leader.now))
        #expect(
            leader.hears(.heartbeatResponse(round: round[0]), from: 3, term: 1).contains(.readReady(token(1), index: 1))
        )
        _ = leader.step(.read(token(2)), at: leader.now)
        let end = leader.hears(.voteRequest(lastLog: .at(1, 1), transfer: true), from: 2, term: 2)
        #expect(end.contains(.readRejected(token(2), .notLeader(leader: nil))))
        #expect(end.contains(.transferEnded(.completed(2))))
    }

    /// Under a load of reads there is a round every network round trip, which is shorter than a disk write.
    @Test("rounds of heartbeats do not repeat entries that the member is still writing")
    func roundsRepeatNothing() {
        var leader = leader()
        _ = leader.hears(.appendAccepted(match: 1), from: 2, term: 1)
        _ = leader.stepDurably(.propose([Proposal(token: 1, data: [1])]), at: leader.now)
        var appends = 0
        for number: UInt64 in 1...100 {
            guard let round = rounds(leader.step(.read(token(number)), at: leader.now)).last else { continue }
            appends += leader.hears(.heartbeatResponse(round: round), from: 2, term: 1).appends.count
        }
        #expect(appends == 0)
    }

    private func isReady(_ effect: Effect) -> Bool {
        if case .readReady = effect { true } else { false }
    }
}
