import CPostgres

/// What an array may hold here, so that `[UInt8]`, `[String]` and `[Int64]` can each have a column type of their own.
public protocol PostgresArrayElement {
    /// The value that binds a whole array of this element.
    static func encodeArray(_ array: [Self]) -> PostgresValue
    /// Reads a whole column as an array of this element.
    static func decodeArray(_ field: PostgresField) throws(PostgresDecodingFailure) -> [Self]
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    /// Reads `bytea` as `[UInt8]`, `text[]` and `varchar[]` as `[String]`, `bigint[]` and `integer[]` as `[Int64]`.
    public init(postgresField field: PostgresField) throws(PostgresDecodingFailure) {
        self = try Element.decodeArray(field)
    }
}

extension UInt8: PostgresArrayElement {
    /// `.bytea`
    public static func encodeArray(_ array: [UInt8]) -> PostgresValue { .bytea(array) }

    /// Reads `bytea`.
    public static func decodeArray(_ field: PostgresField) throws(PostgresDecodingFailure) -> [UInt8] {
        try field.read([TypeNumber.bytea]) { (_, reader) throws(PostgresDecodingFailure) in
            Array(try reader.bytes(reader.remaining))
        }
    }
}

extension String: PostgresArrayElement {
    /// `.textArray`
    public static func encodeArray(_ array: [String]) -> PostgresValue { .textArray(array) }

    /// Reads a one-dimensional array of text without NULLs.
    public static func decodeArray(_ field: PostgresField) throws(PostgresDecodingFailure) -> [String] {
        let types = [TypeNumber.textArray, TypeNumber.varcharArray]
        return try field.read(types) { (_, reader) throws(PostgresDecodingFailure) in
            try reader.array { (_, length, reader) throws(PostgresDecodingFailure) in try reader.text(length) }
        }
    }
}

extension Int64: PostgresArrayElement {
    /// `.int8Array`
    public static func encodeArray(_ array: [Int64]) -> PostgresValue { .int8Array(array) }

    /// Reads a one-dimensional array of integers without NULLs.
    public static func decodeArray(_ field: PostgresField) throws(PostgresDecodingFailure) -> [Int64] {
        let types = [TypeNumber.int8Array, TypeNumber.int4Array]
        return try field.read(types) { (_, reader) throws(PostgresDecodingFailure) in
            try reader.array { (type, _, reader) throws(PostgresDecodingFailure) in
                type == TypeNumber.int8 ? try reader.integer(Int64.self) : Int64(try reader.integer(Int32.self))
            }
        }
    }
}
