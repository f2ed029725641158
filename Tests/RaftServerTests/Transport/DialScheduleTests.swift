import NIOCore
import Testing

@testable import RaftServer

@Suite("When to dial")
struct DialScheduleTests {
    private var limits: PeerTransport.Limits { .init() }

    private func ticket(_ step: DialSchedule.Step) throws -> DialSchedule.Ticket {
        switch step {
        case .dial(let ticket): return ticket
        case .wait(_, let ticket): return ticket
        case .none: throw NoStep()
        }
    }

    private struct NoStep: Error {}

    @Test("waits double from the first to the last, and at least half of each is certain")
    func backoff() throws {
        var schedule = DialSchedule(limits: limits)
        var generator = SystemRandomNumberGenerator()
        var step = schedule.start()
        for expected in [20, 40, 80, 160, 320, 640, 1000, 1000, 1000] as [Int64] {
            step = schedule.failed(try ticket(step), using: &generator)
            guard case .wait(let delay, let then) = step else {
                Issue.record("no wait")
                return
            }
            #expect(delay >= .milliseconds(expected) - .milliseconds(expected / 2))
            #expect(delay <= .milliseconds(expected))
            step = schedule.waited(then)
        }
    }

    @Test("a link that stood is dialled again at once, one that fell at once is not")
    func afterClose() throws {
        var generator = SystemRandomNumberGenerator()
        for (stood, isImmediate) in [(limits.stableAfter, true), (.milliseconds(1), false)] as [(TimeAmount, Bool)] {
            var schedule = DialSchedule(limits: limits)
            let start = NIODeadline.now()
            schedule.established(try ticket(schedule.start()), at: start)
            #expect(schedule.isUp)
            let step = schedule.closed(at: start + stood, using: &generator)
            if case .dial = step { #expect(isImmediate) } else { #expect(!isImmediate) }
        }
    }

    @Test("a sign of life ends a wait, and the timer of that wait does nothing any more")
    func hint() throws {
        var schedule = DialSchedule(limits: limits)
        var generator = SystemRandomNumberGenerator()
        #expect(schedule.hint() == .none)
        let wait = try ticket(schedule.failed(try ticket(schedule.start()), using: &generator))
        let dial = try ticket(schedule.hint())
        #expect(schedule.hint() == .none)
        #expect(schedule.waited(wait) == .none)
        #expect(schedule.isDialling(dial))
    }

    @Test("answers to dials that no longer count are void")
    func staleAnswers() throws {
        var schedule = DialSchedule(limits: limits)
        var generator = SystemRandomNumberGenerator()
        let old = try ticket(schedule.start())
        schedule.stop()
        let new = try ticket(schedule.start())
        #expect(!schedule.isDialling(old))
        #expect(schedule.failed(old, using: &generator) == .none)
        schedule.established(old, at: .now())
        #expect(!schedule.isUp)
        schedule.established(new, at: .now())
        #expect(schedule.isUp)
        #expect(schedule.start() == .none)
    }

    @Test("the same complaint is let through once in its interval, and memory is bounded")
    func complaints() {
        var limits = limits
        limits.rememberedComplaints = 2
        var filter = ComplaintFilter(limits: limits)
        let now = NIODeadline.now()
        #expect(filter.admits("a", at: now) == true)
        #expect(filter.admits("a", at: now + .seconds(59)) == false)
        #expect(filter.admits("a", at: now + .seconds(60)) == true)
        for other in 0..<100 { #expect(filter.admits("\(other)", at: now) == true) }
    }
}
