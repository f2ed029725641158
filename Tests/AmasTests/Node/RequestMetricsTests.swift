import Raft
import RaftServer
import Synchronization
import Telemetry
import Testing

@testable import amas

@Suite("Figures of elections and of what waits for them")
struct RequestMetricsTests {
    private func standing(_ role: Standing.Role, _ term: UInt64, leader: UInt64? = nil) -> Standing {
        Standing(role: role, term: Term(term), leader: leader.map { NodeID($0) })
    }

    @Test("a candidacy is won, lost, or undecided, and only a candidacy")
    func elections() {
        var elections = Elections()
        let story: [(Standing, Elections.Result?)] = [
            (standing(.follower, 0), nil), (standing(.preCandidate, 0), nil), (standing(.candidate, 1), nil),
            (standing(.leader, 1, leader: 1), .won), (standing(.follower, 2), nil), (standing(.candidate, 3), nil),
            (standing(.candidate, 4), .undecided), (standing(.preCandidate, 4), .undecided),
            (standing(.candidate, 5), nil), (standing(.follower, 5, leader: 2), .lost),
            (standing(.follower, 6, leader: 3), nil),
        ]
        for (standing, result) in story { #expect(elections.changed(standing) == result, "\(standing)") }
    }

    @Test("the time without a leader counts as far as it lies within the request's")
    func leaderless() {
        var times = Leaderless(since: 100)
        #expect(times.microseconds(from: 50, to: 150) == 50)
        times.changed(hasLeader: true, at: 200)
        times.changed(hasLeader: true, at: 250)
        #expect(times.microseconds(from: 150, to: 400) == 50)
        #expect(times.microseconds(from: 200, to: 400) == 0)
        times.changed(hasLeader: false, at: 500)
        times.changed(hasLeader: false, at: 600)
        #expect(times.microseconds(from: 0, to: 700) == 300)
        #expect(times.microseconds(from: 550, to: 700) == 150)
        for round in 0..<UInt64(Leaderless.keptSpans) {
            times.changed(hasLeader: true, at: 1000 + round * 10)
            times.changed(hasLeader: false, at: 1001 + round * 10)
        }
        #expect(times.microseconds(from: 0, to: 499) == 0, "what is too long ago is forgotten")
    }

    @Test("requests are counted by who led when they were answered, and waits by their time without a leader")
    func requests() {
        let registry = MetricsRegistry()
        let clock = Mutex<UInt64>(0)
        let metrics = RequestMetrics(registry: registry, clock: { clock.withLock { $0 } })
        func at(_ moment: UInt64) { clock.withLock { $0 = moment } }
        metrics.standingChanged(standing(.follower, 1, leader: 2))
        at(10_000_000)
        metrics.answered(.proposal, microseconds: 1000, error: nil)
        metrics.standingChanged(standing(.follower, 1))
        at(12_000_000)
        metrics.answered(.read, microseconds: 3_000_000, error: .timedOut)
        metrics.standingChanged(standing(.leader, 2, leader: 1))
        at(20_000_000)
        metrics.answered(.proposal, microseconds: 1000, error: nil)
        let text = registry.exposition(.prometheusText)
        for line in [
            "amas_forwarded_requests_total{result=\"ok\"} 1", "amas_forwarded_requests_total{result=\"timeout\"} 0",
            "amas_hold_duration_seconds_count 1", "amas_hold_duration_seconds_sum 2",
            "amas_raft_reads_total{result=\"timeout\"} 1", "amas_raft_proposals_failed_total{reason=\"no_quorum\"} 0",
            "amas_raft_commit_duration_seconds_count 2", "amas_raft_elections_total{result=\"won\"} 0",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }
}
