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
}
