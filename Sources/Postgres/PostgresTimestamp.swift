/// An instant as `timestamptz` holds it: microseconds, no zone.
public struct PostgresTimestamp: Sendable, Hashable, Comparable {
    /// Microseconds since 1970-01-01T00:00:00Z, negative before.
    public var microsecondsSinceUnixEpoch: Int64

    /// The instant so many microseconds after (or before) 1970-01-01T00:00:00Z.
    public init(microsecondsSinceUnixEpoch: Int64) {
        self.microsecondsSinceUnixEpoch = microsecondsSinceUnixEpoch
    }

    public static func < (left: PostgresTimestamp, right: PostgresTimestamp) -> Bool {
        left.microsecondsSinceUnixEpoch < right.microsecondsSinceUnixEpoch
    }

    /// PostgreSQL counts from 2000-01-01T00:00:00Z.
    static let postgresEpochMicroseconds: Int64 = 946_684_800_000_000

    /// What goes over the wire, or nil where 64 bits do not hold it or it would read as ±infinity.
    var wireMicroseconds: Int64? {
        let (wire, overflow) = microsecondsSinceUnixEpoch.subtractingReportingOverflow(Self.postgresEpochMicroseconds)
        return overflow || wire == .min || wire == .max ? nil : wire
    }

    /// Nil for ±infinity, which the wire spells as the two extreme numbers, and for instants that do not fit.
    init?(wireMicroseconds wire: Int64) {
        guard wire != .min, wire != .max else { return nil }
        let (unix, overflow) = wire.addingReportingOverflow(Self.postgresEpochMicroseconds)
        guard !overflow else { return nil }
        self.init(microsecondsSinceUnixEpoch: unix)
    }
}
