import Testing

@testable import RaftServer

@Suite("The pace of snapshots")
struct TransferPaceTests {
    @Test("in no span of time goes more than the rate allows, and one piece", arguments: [1000, 1 << 20])
    func rate(bytesPerSecond: Int) {
        var pace = TransferPace(bytesPerSecond: bytesPerSecond)
        var now = MonotonicTime(microseconds: 5_000_000)
        var sent: [(turn: MonotonicTime, bytes: Int)] = []
        for number in 0..<200 {
            // Two that send at once, and now and then a pause.
            if number % 50 == 49 { now = now.adding(milliseconds: 10_000) }
            let bytes = 100 + number * 7 % 400
            let turn = pace.turn(of: bytes, at: now)
            #expect(turn >= now)
            sent.append((turn, bytes))
            if number % 2 == 1 { now = max(now, turn) }
        }
        for first in sent.indices {
            for last in first..<sent.count {
                let span = sent[last].turn.microseconds - sent[first].turn.microseconds
                let bytes = sent[first..<last].reduce(0) { $0 + $1.bytes }
                #expect(UInt64(bytes) * 1_000_000 <= UInt64(bytesPerSecond) * span + UInt64(bytesPerSecond))
            }
        }
    }

    @Test("who comes when nothing is on its way goes at once")
    func idle() {
        var pace = TransferPace(bytesPerSecond: 10)
        let now = MonotonicTime(microseconds: 1)
        #expect(pace.turn(of: 100, at: now) == now)
        #expect(pace.turn(of: 1, at: now) == now.adding(milliseconds: 10_000))
        #expect(pace.turn(of: 1, at: now.adding(milliseconds: 20_000)) == now.adding(milliseconds: 20_000))
    }
}
