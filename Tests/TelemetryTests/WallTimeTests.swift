import Foundation
import Testing

@testable import Telemetry

@Suite("Wall time")
struct WallTimeTests {
    @Test(
        "times are shown in RFC 3339",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_767_323_045_678_901, "2026-01-02T03:04:05.678Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (4_107_542_399_999_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999Z"),
            (Int64.max, "9999-12-31T23:59:59.999Z"),
            (Int64.min, "0000-01-01T00:00:00.000Z"),
        ])
    func known(microseconds: Int64, expected: String) {
        #expect(WallTime(microsecondsSince1970: microseconds).rfc3339 == expected)
    }

    @Test("every day of four centuries agrees with Foundation")
    func days() throws {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for day in stride(from: -200 * 366, to: 200 * 366, by: 1) {
            let time = WallTime(microsecondsSince1970: Int64(day) * 86_400_000_000 + 45_296_789_000)
            let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 45_296.789)
            try #require(time.rfc3339.prefix(19) == date.formatted(style).prefix(19))
        }
    }
}
