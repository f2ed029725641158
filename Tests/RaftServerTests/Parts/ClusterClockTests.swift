import Testing

@testable import RaftServer

@Suite("The leader's clock")
struct ClusterClockTests {
    private static let second: UInt64 = 1_000_000

    @Test("it goes on where the log stopped, and an empty log begins at wall time")
    func beginning() {
        var going = ClusterClock(continuing: 500, now: .init(microseconds: 10), wallMicroseconds: 9_000_000)
        #expect(going.read(now: .init(microseconds: 10), wallMicroseconds: 9_000_000) == 500)
        var new = ClusterClock(continuing: 0, now: .init(microseconds: 10), wallMicroseconds: 9_000_000)
        #expect(new.read(now: .init(microseconds: 10), wallMicroseconds: 9_000_000) == 9_000_000)
    }

    @Test(
        "it follows wall time, ahead or behind, by one per cent of the time that passes, however often it is read",
        arguments: [7, 99, 100, 1000, 250_000] as [UInt64], [-3600, 3600] as [Int64])
    func slewing(step: UInt64, wallOffsetSeconds: Int64) {
        let start: UInt64 = 10_000 * Self.second
        let wall = UInt64(Int64(start) + wallOffsetSeconds * Int64(Self.second))
        var clock = ClusterClock(continuing: start, now: .init(microseconds: 0), wallMicroseconds: wall)
        var (elapsed, last): (UInt64, UInt64) = (0, start)
        while elapsed < Self.second {
            elapsed += step
            let time = clock.read(now: .init(microseconds: elapsed), wallMicroseconds: wall + elapsed)
            #expect(time >= last)
            last = time
        }
        let slewed = Int64(last) - Int64(start + elapsed)
        let allowed = Int64(elapsed / 100)
        #expect(abs(abs(slewed) - allowed) <= 1)
        #expect((slewed > 0) == (wallOffsetSeconds > 0))
    }

    @Test("a jump of the wall clock is no jump of the cluster's, and close to wall time it is wall time")
    func jumps() {
        var clock = ClusterClock(
            continuing: 5 * Self.second, now: .init(microseconds: 0), wallMicroseconds: 5 * Self.second)
        let jumped = clock.read(now: .init(microseconds: 1000), wallMicroseconds: 999_999 * Self.second)
        #expect(jumped == 5 * Self.second + 1010)
        let back = clock.read(now: .init(microseconds: 2000), wallMicroseconds: 1)
        #expect(back == 5 * Self.second + 2000)
        let near = clock.read(now: .init(microseconds: 102_000), wallMicroseconds: 5 * Self.second + 102_003)
        #expect(near == 5 * Self.second + 102_003)
    }
}
