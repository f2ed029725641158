import Telemetry

extension WallTime {
    /// Reads an RFC 3339 time: `2026-01-02T03:04:05.678Z`, or with an offset such as `+02:00`. Digits beyond
    /// microseconds are cut; a leap second is the second after it. Nil for anything else, and for days that a month
    /// does not have.
    init?(rfc3339 text: String) {
        var rest = Array(text.utf8)[...]
        func digits(_ count: Int) -> Int64? {
            guard rest.count >= count, rest.prefix(count).allSatisfy(\.isDigit) else { return nil }
            let value = rest.prefix(count).reduce(Int64(0)) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
            rest.removeFirst(count)
            return value
        }
        func skip(_ character: Character) -> Bool {
            guard let byte = rest.first, character.asciiValue == byte & (character.isLetter ? 0xDF : 0xFF) else {
                return false
            }
            rest.removeFirst()
            return true
        }
        guard let year = digits(4), skip("-"), let month = digits(2), skip("-"), let day = digits(2),
            skip("T") || rest.first == UInt8(ascii: " ") && rest.popFirst() != nil,
            let hour = digits(2), skip(":"), let minute = digits(2), skip(":"), let second = digits(2),
            1...12 ~= month, 1...Self.days(in: month, of: year) ~= day, hour < 24, minute < 60, second <= 60
        else { return nil }
        var microseconds: Int64 = 0
        if skip(".") {
            var scale: Int64 = 100_000
            guard rest.first?.isDigit == true else { return nil }
            while let digit = digits(1) {
                microseconds += digit * scale
                scale /= 10
            }
        }
        var offsetMinutes: Int64 = 0
        if !skip("Z") {
            let sign: Int64 = rest.first == UInt8(ascii: "-") ? -1 : 1
            guard skip("+") || skip("-"), let hours = digits(2), skip(":"), let minutes = digits(2), hours < 24,
                minutes < 60
            else { return nil }
            offsetMinutes = sign * (hours * 60 + minutes)
        }
        guard rest.isEmpty else { return nil }
        let seconds =
            Self.daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offsetMinutes * 60
        self.init(microsecondsSince1970: seconds * 1_000_000 + microseconds)
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Counts in years that begin in March, so that the leap day is a year's last (the counterpart of `rfc3339`).
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
