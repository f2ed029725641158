import CPostgres

/// Reads PostgreSQL's binary forms front to back. What is too short or inconsistent is `malformed`, never a trap: the bytes
/// come from outside.
struct BinaryReader {
    private let source: UnsafeRawBufferPointer
    private var offset = 0

    init(_ source: UnsafeRawBufferPointer) {
        self.source = source
    }

    var remaining: Int { source.count - offset }

    mutating func bytes(_ count: Int) throws(PostgresDecodingFailure) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else { throw .malformed }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: source[offset..<offset + count])
    }

    mutating func integer<Value: FixedWidthInteger>(_: Value.Type) throws(PostgresDecodingFailure) -> Value {
        let size = Value.bitWidth / 8
        return Value(bigEndian: try bytes(size).loadUnaligned(as: Value.self))
    }

    mutating func text(_ count: Int) throws(PostgresDecodingFailure) -> String {
        guard let text = String(validating: try bytes(count), as: UTF8.self) else { throw .malformed }
        return text
    }

    /// Sixteen bytes as 8-4-4-4-12 lower-case hexadecimal digits.
    mutating func uuid() throws(PostgresDecodingFailure) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, byte) in try bytes(16).enumerated() {
            if index == 4 || index == 6 || index == 8 || index == 10 { text.append(UInt8(ascii: "-")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// An array of at most one dimension. `element` is given the element type and the element's length in bytes, of which
    /// it must read exactly that many.
    mutating func array<Element>(
        _ element: (Oid, Int, inout BinaryReader) throws(PostgresDecodingFailure) -> Element
    ) throws(PostgresDecodingFailure) -> [Element] {
        let dimensions = try integer(Int32.self)
        _ = try integer(Int32.self)
        let type = try integer(UInt32.self)
        guard dimensions != 0 else { return [] }
        guard dimensions == 1 else { throw .malformed }
        let count = Int(try integer(Int32.self))
        _ = try integer(Int32.self)
        // Each element has a length of four bytes: this bounds the reservation by what was really received.
        guard count >= 0, count <= remaining / 4 else { throw .malformed }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            let length = Int(try integer(Int32.self))
            guard length != -1 else { throw .null }
            var reader = BinaryReader(try bytes(length))
            elements.append(try element(type, length, &reader))
            guard reader.remaining == 0 else { throw .malformed }
        }
        return elements
    }
}
