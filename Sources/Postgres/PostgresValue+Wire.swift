import CPostgres

/// Type numbers that PostgreSQL fixes for its built-in types (`pg_type.dat`).
enum TypeNumber {
    static let inferred: Oid = 0
    static let bool: Oid = 16
    static let bytea: Oid = 17
    static let char: Oid = 18
    static let name: Oid = 19
    static let int8: Oid = 20
    static let int2: Oid = 21
    static let int4: Oid = 23
    static let text: Oid = 25
    static let oid: Oid = 26
    static let json: Oid = 114
    static let float4: Oid = 700
    static let float8: Oid = 701
    static let unknown: Oid = 705
    static let int4Array: Oid = 1007
    static let textArray: Oid = 1009
    static let varcharArray: Oid = 1015
    static let int8Array: Oid = 1016
    static let bpchar: Oid = 1042
    static let varchar: Oid = 1043
    static let timestamptz: Oid = 1184
    static let uuid: Oid = 2950
    static let jsonb: Oid = 3802
    /// Types made by users (enums, extensions' types) are numbered from here.
    static let firstUserDefined: Oid = 16_384
}

extension PostgresValue {
    /// The type told to the server; `inferred` leaves it to the server.
    var wireType: Oid {
        switch self {
        case .null, .text: TypeNumber.inferred
        case .bool: TypeNumber.bool
        case .int8: TypeNumber.int8
        case .float8: TypeNumber.float8
        case .bytea: TypeNumber.bytea
        case .json: TypeNumber.json
        case .jsonb: TypeNumber.jsonb
        case .timestamptz: TypeNumber.timestamptz
        case .textArray: TypeNumber.textArray
        case .int8Array: TypeNumber.int8Array
        }
    }

    /// Text goes as text, because its type is inferred and most types' binary form is not their text. The rest is binary.
    var isBinary: Bool {
        switch self {
        case .null, .text, .json, .jsonb: false
        case .bool, .int8, .float8, .bytea, .timestamptz, .textArray, .int8Array: true
        }
    }

    var isEncodable: Bool {
        switch self {
        case .null, .bool, .int8, .float8, .bytea, .int8Array: true
        case .text(let text), .json(let text), .jsonb(let text): !text.containsZeroByte
        case .timestamptz(let time): time.wireMicroseconds != nil
        case .textArray(let texts): !texts.contains(where: \.containsZeroByte)
        }
    }

    var payloadBytes: Int {
        switch self {
        case .null: 0
        case .bool: 1
        case .int8, .float8, .timestamptz: 8
        case .text(let text), .json(let text), .jsonb(let text): text.utf8.count
        case .bytea(let bytes): bytes.count
        case .textArray(let texts): texts.reduce(ArrayHeader.bytes) { $0 + 4 + $1.utf8.count }
        case .int8Array(let numbers): ArrayHeader.bytes + 12 * numbers.count
        }
    }

    /// Appends the wire form; text forms get the zero byte that libpq finds their end by.
    func append(to buffer: inout [UInt8]) {
        switch self {
        case .null: break
        case .bool(let value): buffer.append(value ? 1 : 0)
        case .int8(let value): buffer.appendBigEndian(value)
        case .float8(let value): buffer.appendBigEndian(value.bitPattern)
        case .text(let text), .json(let text), .jsonb(let text):
            buffer.append(contentsOf: text.utf8)
            buffer.append(0)
        case .bytea(let bytes): buffer.append(contentsOf: bytes)
        case .timestamptz(let time):
            guard let wire = time.wireMicroseconds else { preconditionFailure("isEncodable was checked on entry") }
            buffer.appendBigEndian(wire)
        case .textArray(let texts):
            ArrayHeader(elementType: TypeNumber.text, count: texts.count).append(to: &buffer)
            for text in texts {
                buffer.appendBigEndian(Int32(text.utf8.count))
                buffer.append(contentsOf: text.utf8)
            }
        case .int8Array(let numbers):
            ArrayHeader(elementType: TypeNumber.int8, count: numbers.count).append(to: &buffer)
            for number in numbers {
                buffer.appendBigEndian(Int32(8))
                buffer.appendBigEndian(number)
            }
        }
    }
}

/// What stands before the elements of a one-dimensional array without NULLs.
private struct ArrayHeader {
    static let bytes = 20
    var elementType: Oid
    var count: Int

    func append(to buffer: inout [UInt8]) {
        buffer.appendBigEndian(Int32(1))
        buffer.appendBigEndian(Int32(0))
        buffer.appendBigEndian(elementType)
        buffer.appendBigEndian(Int32(count))
        buffer.appendBigEndian(Int32(1))
    }
}

extension [UInt8] {
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}
