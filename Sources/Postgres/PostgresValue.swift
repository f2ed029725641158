/// A value bound to `$1`, `$2`, … of a statement. It travels beside the SQL text, never inside it.
///
/// Every case but `null` and `text` states its PostgreSQL type, so the server converts by its assignment rules (an `int8`
/// into an `integer` column is checked for range). `text` and `null` state none: the server infers the type from where
/// they stand, as for a literal in SQL, so `text` also serves `uuid`, `date`, `numeric`, `inet` and enum columns. Where
/// nothing can be inferred ("could not determine data type of parameter"), write the cast: `$1::text`.
public enum PostgresValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case int8(Int64)
    case float8(Double)
    /// UTF-8 without zero bytes, which PostgreSQL cannot store.
    case text(String)
    case bytea([UInt8])
    /// JSON text, kept by the server as it is written.
    case json(String)
    /// JSON text, kept by the server in its parsed form.
    case jsonb(String)
    case timestamptz(PostgresTimestamp)
    case textArray([String])
    case int8Array([Int64])
}

extension PostgresValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
{
    /// `.text`
    public init(stringLiteral value: String) { self = .text(value) }
    /// `.int8`
    public init(integerLiteral value: Int64) { self = .int8(value) }
    /// `.float8`
    public init(floatLiteral value: Double) { self = .float8(value) }
    /// `.bool`
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// `.null`
    public init(nilLiteral: ()) { self = .null }
}

/// A Swift type with one obvious `PostgresValue`.
public protocol PostgresEncodable {
    /// The value to bind.
    var postgresValue: PostgresValue { get }
}

extension PostgresValue {
    /// Binds a Swift value; an optional that is nil becomes `null`.
    public init(_ value: some PostgresEncodable) {
        self = value.postgresValue
    }
}

extension Bool: PostgresEncodable {
    /// `.bool`
    public var postgresValue: PostgresValue { .bool(self) }
}

extension Int: PostgresEncodable {
    /// `.int8`
    public var postgresValue: PostgresValue { .int8(Int64(self)) }
}

extension Int64: PostgresEncodable {
    /// `.int8`
    public var postgresValue: PostgresValue { .int8(self) }
}

extension Double: PostgresEncodable {
    /// `.float8`
    public var postgresValue: PostgresValue { .float8(self) }
}

extension String: PostgresEncodable {
    /// `.text`; say `.json` or `.jsonb` yourself where that is meant.
    public var postgresValue: PostgresValue { .text(self) }
}

extension PostgresTimestamp: PostgresEncodable {
    /// `.timestamptz`
    public var postgresValue: PostgresValue { .timestamptz(self) }
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    /// `.bytea` for `[UInt8]`, `.textArray` for `[String]`, `.int8Array` for `[Int64]`
    public var postgresValue: PostgresValue { Element.encodeArray(self) }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    /// The wrapped value's, or `.null`
    public var postgresValue: PostgresValue {
        switch self {
        case .some(let wrapped): wrapped.postgresValue
        case .none: .null
        }
    }
}
