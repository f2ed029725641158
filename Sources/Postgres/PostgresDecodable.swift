import CPostgres

/// A type that reads a column. Conform your own by way of these: an enum with a raw String decodes the String first.
public protocol PostgresDecodable {
    /// Reads the field, or says why it cannot.
    init(postgresField field: PostgresField) throws(PostgresDecodingFailure)
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// Nil for NULL.
    public init(postgresField field: PostgresField) throws(PostgresDecodingFailure) {
        self = field.isNull ? .none : .some(try Wrapped(postgresField: field))
    }
}

extension Bool: PostgresDecodable {
    /// Reads `boolean`.
    public init(postgresField field: PostgresField) throws(PostgresDecodingFailure) {
        self = try field.read([TypeNumber.bool]) { (_, reader) throws(PostgresDecodingFailure) in
            try reader.integer(UInt8.self) != 0
        }
    }
}

extension Int64: PostgresDecodable {
    /// Reads `smallint`, `integer`, `bigint` and `oid`.
    public init(postgresField field: PostgresField) throws(PostgresDecodingFailure) {
        let types = [TypeNumber.int8, TypeNumber.int4, TypeNumber.int2, TypeNumber.oid]
        self = try field.read(types) { (type, reader) throws(PostgresDecodingFailure) in
            switch type {
            case TypeNumber.int8: try reader.integer(Int64.self)
            case TypeNumber.int4: Int64(try reader.integer(Int32.self))
            case TypeNumber.int2: Int64(try reader.integer(Int16.self))
            default: Int64(try reader.integer(UInt32.self))
            }
        }
    }
}

extension Int: PostgresDecodable {
    /// Reads what `Int64` reads.
    public init(postgresField field: PostgresField) throws(PostgresDecodingFailure) {
        self = Int(try Int64(postgresField: field))
    }
}

extension Double: PostgresDecodable {
    /// Reads `real` and `double precision`.
    public init(postgresField field: PostgresField) throws(PostgresDecodingFailure) {
        let types = [TypeNumber.float8, TypeNumber.float4]
        self = try field.read(types) { (type, reader) throws(PostgresDecodingFailure) in
            type == TypeNumber.float8
                ? Double(bitPattern: try reader.integer(UInt64.self))
                : Double(Float(bitPattern: try reader.integer(UInt32.self)))
        }
    }
}

extension String: PostgresDecodable {
    /// Reads `text`, `varchar`, `char(n)`, `name`, `json`, `jsonb`, `uuid`, and types made by users whose binary form is
    /// text (enums, citext).
    public init(postgresField field: PostgresField) throws(PostgresDecodingFailure) {
        let type = field.postgresType
        let textual = [
            TypeNumber.text, TypeNumber.varchar, TypeNumber.bpchar, TypeNumber.name, TypeNumber.char, TypeNumber.json,
            TypeNumber.jsonb, TypeNumber.uuid, TypeNumber.unknown,
        ]
        let accepted = type >= TypeNumber.firstUserDefined ? [type] : textual
        self = try field.read(accepted) { (type, reader) throws(PostgresDecodingFailure) in
            switch type {
            case TypeNumber.jsonb:
                // jsonb's binary form is a version byte, so far always 1, before its text.
                guard try reader.integer(UInt8.self) == 1 else { throw .malformed }
                return try reader.text(reader.remaining)
            case TypeNumber.uuid: return try reader.uuid()
            default: return try reader.text(reader.remaining)
            }
        }
    }
}

extension PostgresTimestamp: PostgresDecodable {
    /// Reads `timestamptz`; ±infinity is out of range.
    public init(postgresField field: PostgresField) throws(PostgresDecodingFailure) {
        self = try field.read([TypeNumber.timestamptz]) { (_, reader) throws(PostgresDecodingFailure) in
            guard let time = PostgresTimestamp(wireMicroseconds: try reader.integer(Int64.self)) else {
                throw .outOfRange
            }
            return time
        }
    }
}

extension PostgresField {
    /// Runs `body` over the bytes if the column has one of `types` and a value, and checks that it read all of them.
    func read<Value>(
        _ types: [Oid], _ body: (Oid, inout BinaryReader) throws(PostgresDecodingFailure) -> Value
    ) throws(PostgresDecodingFailure) -> Value {
        guard types.contains(postgresType) else { throw .typeMismatch(postgresType: postgresType) }
        guard !isNull else { throw .null }
        return try withBytes { (bytes) throws(PostgresDecodingFailure) in
            var reader = BinaryReader(bytes)
            let value = try body(postgresType, &reader)
            guard reader.remaining == 0 else { throw .malformed }
            return value
        }
    }
}
