import Glibc
import Synchronization
import Telemetry

/// What all connections of the server share: how busy it is, whether it drains, and today's date.
final class ServerCondition: Sendable {
    private let inFlight = Atomic<Int>(0)
    private let leaving = Atomic<Bool>(false)
    private let draining = Atomic<Bool>(false)
    private let dateLine = Mutex<(second: Int64, text: String)>((.min, ""))

    /// Counts a request in; returns how many there are.
    func enter() -> Int { inFlight.wrappingAdd(1, ordering: .relaxed).newValue }
    func leave() { inFlight.wrappingSubtract(1, ordering: .relaxed) }
    var requestsInFlight: Int { inFlight.load(ordering: .relaxed) }

    /// The node asks balancers to look elsewhere, and answers everything meanwhile.
    var isLeaving: Bool { leaving.load(ordering: .relaxed) }
    /// True the first time.
    func beginLeaving() -> Bool { !leaving.exchange(true, ordering: .relaxed) }

    /// The node takes no new WebSocket and lets nobody wait.
    var isDraining: Bool { draining.load(ordering: .relaxed) }
    /// True the first time.
    func beginDraining() -> Bool { !draining.exchange(true, ordering: .relaxed) }

    /// The `Date` header (RFC 9110 §6.6.1), made once a second.
    func date(_ now: WallTime) -> String {
        let second = now.microsecondsSince1970 / 1_000_000
        return dateLine.withLock { line in
            if line.second != second { line = (second, Self.format(second)) }
            return line.text
        }
    }

    private static func format(_ second: Int64) -> String {
        var time = time_t(second)
        var parts = tm()
        gmtime_r(&time, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let day =
            "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(parts.tm_year + 1900)"
        return "\(day) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
