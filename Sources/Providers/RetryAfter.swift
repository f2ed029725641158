import Egress
import FoundationEssentials
import Glibc

/// How long a provider asks to be left alone, in the forms that they use.
enum RetryAfter {
    /// `retry-after-ms` and `x-ms-retry-after-ms` in milliseconds, then `Retry-After` in seconds or as a date. A date
    /// is read against the response's own `Date`, so that a wrong clock on either side does no harm. Nil where nothing
    /// usable is said; never negative, never above the limit.
    static func parse(_ headers: [HTTPHeader], now: Date, limits: ProviderLimits) -> Duration? {
        for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
            if let value = headers[name], let milliseconds = Double(value) {
                return bounded(milliseconds / 1_000, limits)
            }
        }
        guard let value = headers["retry-after"] else { return nil }
        if let seconds = Double(value) { return bounded(seconds, limits) }
        guard let date = date(value) else { return nil }
        return bounded(date.timeIntervalSince(headers["date"].flatMap(self.date) ?? now), limits)
    }

    private static func bounded(_ seconds: Double, _ limits: ProviderLimits) -> Duration? {
        guard !seconds.isNaN else { return nil }
        let longest = Double(limits.longestRetryAfter.components.seconds)
        return .milliseconds(Int64((min(max(seconds, 0), longest) * 1_000).rounded()))
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// The form that RFC 9110 tells senders to use: `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func date(_ text: String) -> Date? {
        let parts = text.split { $0 == " " || $0 == ":" || $0 == "," }
        guard parts.count == 8, parts[7] == "GMT", let month = months.firstIndex(of: String(parts[2])) else {
            return nil
        }
        let numbers = [parts[1], parts[3], parts[4], parts[5], parts[6]].compactMap { Int32($0) }
        guard numbers.count == 5, (1970...9999).contains(numbers[1]) else { return nil }
        var time = tm()
        time.tm_mday = numbers[0]
        time.tm_mon = Int32(month)
        time.tm_year = numbers[1] - 1900
        (time.tm_hour, time.tm_min, time.tm_sec) = (numbers[2], numbers[3], numbers[4])
        return Date(timeIntervalSince1970: Double(timegm(&time)))
    }
}
