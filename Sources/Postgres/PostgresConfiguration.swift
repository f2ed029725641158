import CPostgres
import Glibc

/// Where PostgreSQL is and how to reach it, read from a connection string by libpq itself.
///
/// What the string leaves open is filled in so that an outage is cheap and quick to notice; what it states, it keeps.
/// Several hosts (`host=a,b target_session_attrs=read-write`) are tried in order. What neither says comes from libpq's
/// own sources: `PG*` environment variables, the password file, the service file.
///
/// No description, mirror or error of this value shows the password.
public struct PostgresConfiguration: Sendable {
    /// The room's limits as the pool made from this configuration keeps them.
    public var limits: PostgresLimits
    private let options: [Option]

    private struct Option: Sendable {
        var keyword: String
        var value: String
        var isSecret: Bool
    }

    /// Options for those that the connection string leaves open. A refused connection is noticed at once, a host that
    /// answers nothing after `connect_timeout` (which libpq counts in whole seconds of the clock, so 2 to 3 s), a peer that vanished within about 5–8 s.
    private static let defaults = [
        ("application_name", "amas"),
        ("connect_timeout", "3"),
        ("keepalives", "1"),
        ("keepalives_idle", "5"),
        ("keepalives_interval", "1"),
        ("keepalives_count", "3"),
        ("tcp_user_timeout", "5000"),
        // Kerberos would look up credentials on each connect, in a library that is not safe in threads.
        ("gssencmode", "disable"),
    ]

    /// Reads a connection string in either form of libpq: `postgresql://user@host/base?…` or `host=… dbname=…`.
    ///
    /// - Throws: `PostgresError.invalidConnectionString`. Nothing is connected to.
    public init(connectionString: String, limits: PostgresLimits = PostgresLimits()) throws(PostgresError) {
        guard !connectionString.containsZeroByte else { throw .invalidConnectionString }
        var complaint: UnsafeMutablePointer<CChar>?
        let parsed = PQconninfoParse(connectionString, &complaint)
        defer {
            PQfreemem(complaint)
            PQconninfoFree(parsed)
        }
        guard let parsed else { throw .invalidConnectionString }
        var options: [Option] = []
        var next = parsed
        while let keyword = next.pointee.keyword {
            if let value = next.pointee.val {
                // libpq marks with "*" what a dialogue must not show.
                let isSecret = next.pointee.dispchar.map { String(cString: $0) == "*" } ?? false
                options.append(
                    Option(keyword: String(cString: keyword), value: String(cString: value), isSecret: isSecret))
            }
            next += 1
        }
        for (keyword, value) in Self.defaults where !options.contains(where: { $0.keyword == keyword }) {
            options.append(Option(keyword: keyword, value: value, isSecret: false))
        }
        options.removeAll { $0.keyword == "client_encoding" }
        options.append(Option(keyword: "client_encoding", value: "UTF8", isSecret: false))
        self.options = options
        self.limits = limits
    }

    /// Opens a connection, blocking for at most `connect_timeout` a host (and the resolver's own time).
    ///
    /// - Returns: a libpq connection in whatever state the attempt ended, to be freed by `PQfinish`; nil without memory.
    func connect() -> OpaquePointer? {
        let keywords = options.map { strdup($0.keyword) }
        let values = options.map { strdup($0.value) }
        defer {
            for text in keywords + values { free(text) }
        }
        let keywordList: [UnsafePointer<CChar>?] = keywords.map { UnsafePointer($0) } + [nil]
        let valueList: [UnsafePointer<CChar>?] = values.map { UnsafePointer($0) } + [nil]
        return PQconnectdbParams(keywordList, valueList, 0)
    }

    /// The value of one option, as in `host` or `dbname`; nil if neither the string nor a default states it, or if it is
    /// a secret.
    public func option(_ keyword: String) -> String? {
        options.first { $0.keyword == keyword && !$0.isSecret }?.value
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// All options as `keyword=value`, secrets as `********`.
    public var description: String {
        options.map { "\($0.keyword)=\($0.isSecret ? Self.mask : $0.value)" }.joined(separator: " ")
    }

    /// The same as `description`.
    public var debugDescription: String { description }

    /// Shows no option, so that `dump` shows no password.
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }

    static let mask = "********"
}
