import Raft
import Testing

@testable import Orchestration

/// How often a duty is proposed whose effect does not show.
@Suite("Duty pace")
struct DutyPaceTests {
    private let begin = ContinuousClock.now
    private let interval = Duration.milliseconds(300)

    /// When it is proposed by one who asks every 10 ms.
    private func proposals(_ pace: DutyPace, longest: Duration?, within milliseconds: Range<Int>) -> [Int] {
        stride(from: milliseconds.lowerBound, to: milliseconds.upperBound, by: 10).filter {
            pace.mayPropose(.suspended, interval: interval, longest: longest, now: begin + .milliseconds($0))
        }
    }

    @Test("at one interval, for ever")
    func even() {
        #expect(proposals(DutyPace(), longest: nil, within: 0..<1_500) == [0, 300, 600, 900, 1_200])
    }

    @Test("at ever longer ones up to a limit, where the effect may not show for hours")
    func doubling() {
        let times = proposals(DutyPace(), longest: .milliseconds(1_000), within: 0..<5_000)
        #expect(times == [0, 300, 900, 1_900, 2_900, 3_900, 4_900])
    }

    @Test("who has not asked for long begins anew, and no duty waits for another")
    func anew() {
        let pace = DutyPace()
        _ = proposals(pace, longest: .seconds(1), within: 0..<2_000)
        #expect(proposals(pace, longest: .seconds(1), within: 10_000..<11_000) == [10_000, 10_300, 10_900])
        #expect(pace.mayPropose(.left(NodeID(1)), interval: interval, now: begin + .milliseconds(10_900)))
    }

    @Test("once its effect has shown, the next time is a first one")
    func seen() {
        let pace = DutyPace()
        _ = proposals(pace, longest: .seconds(10), within: 0..<5_000)
        pace.seen(.suspended)
        #expect(proposals(pace, longest: .seconds(10), within: 5_000..<6_000) == [5_000, 5_300, 5_900])
    }
}
