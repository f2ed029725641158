import Glibc

/// A point of wall time, for display. Nothing may be decided by it: it jumps when the clock is set.
public struct WallTime: Hashable, Comparable, Sendable {
    public var microsecondsSince1970: Int64

    public init(microsecondsSince1970: Int64) {
        self.microsecondsSince1970 = microsecondsSince1970
    }

    /// The machine's clock. Only `amas` passes it on; everything else is handed a closure.
    public static func system() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(microsecondsSince1970: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    public static func < (left: WallTime, right: WallTime) -> Bool {
        left.microsecondsSince1970 < right.microsecondsSince1970
    }

    /// RFC 3339 in UTC with milliseconds, `2026-01-02T03:04:05.678Z`, for the years 0000 to 9999 that the format has; a
    /// time outside them is shown as the nearest one inside.
    public var rfc3339: String {
        String(decoding: rfc3339Bytes, as: UTF8.self)
    }

    var rfc3339Bytes: [UInt8] {
        let clamped = min(max(microsecondsSince1970, Self.earliestMicroseconds), Self.latestMicroseconds)
        let (days, inDay) = clamped.flooredDivision(by: 86_400_000_000)
        let (year, month, day) = Self.civilDate(daysSince1970: days)
        let milliseconds = inDay / 1000
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24)
        bytes.appendDigits(year, width: 4)
        bytes.append(UInt8(ascii: "-"))
        bytes.appendDigits(month, width: 2)
        bytes.append(UInt8(ascii: "-"))
        bytes.appendDigits(day, width: 2)
        bytes.append(UInt8(ascii: "T"))
        bytes.appendDigits(milliseconds / 3_600_000, width: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.appendDigits(milliseconds / 60_000 % 60, width: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.appendDigits(milliseconds / 1000 % 60, width: 2)
        bytes.append(UInt8(ascii: "."))
        bytes.appendDigits(milliseconds % 1000, width: 3)
        bytes.append(UInt8(ascii: "Z"))
        return bytes
    }

    /// 0000-01-01T00:00:00Z and the last microsecond of 9999.
    private static let earliestMicroseconds: Int64 = -62_167_219_200_000_000
    private static let latestMicroseconds: Int64 = 253_402_300_799_999_999

    /// The proleptic Gregorian date of a day. Years begin in March here, so that the leap day is the last of its year
    /// and the lengths of the months follow one linear rule; an era is the 400 years after which the calendar repeats.
    private static func civilDate(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let daysFromEraZeroTo1970: Int64 = 719_468
        let (era, dayOfEra) = (daysSince1970 + daysFromEraZeroTo1970).flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int64 {
    /// Quotient rounded down and the remainder that is never negative.
    fileprivate func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

extension [UInt8] {
    /// Appends `value`, which has at most `width` digits, with leading zeros.
    fileprivate mutating func appendDigits(_ value: Int64, width: Int) {
        var divisor: Int64 = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
