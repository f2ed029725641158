import FoundationEssentials
import SwiftProtobuf

/// Writes a record's canonical bytes: protobuf's wire format, fields in the order of their numbers, defaults left out.
///
/// The bytes are those of the library's `serializedBytes()` (`Tests`: "the canonical bytes are protobuf's"). This visitor
/// appends straight to the change log in one pass, and, being of this module, is compiled together with the generated
/// code; the library's measures first and writes then, through generic calls. Every entry writes half a dozen records, so
/// that decides what an entry costs.
struct CanonicalEncoder: Visitor, Sendable {
    private(set) var bytes: [UInt8] = []

    private enum Wire {
        static let varint: UInt64 = 0
        static let fixed64: UInt64 = 1
        static let delimited: UInt64 = 2
    }

    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    mutating func append(_ message: some SwiftProtobuf.Message) {
        do {
            try message.traverse(visitor: &self)
        } catch {
            preconditionFailure("this visitor throws nothing: \(error)")
        }
    }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }
    mutating func append(key: some TableKey) { key.append(to: &bytes) }
    mutating func append(hash: StateHash) { hash.append(to: &bytes) }
    mutating func appendBigEndian<Value: FixedWidthInteger>(_ value: Value) { bytes.appendBigEndian(value) }

    /// Four bytes to be filled in when it is known how much follows them.
    mutating func openLength() -> Int {
        bytes.append(contentsOf: [0, 0, 0, 0])
        return bytes.count
    }

    /// Returns how many bytes came since `openLength`.
    @discardableResult
    mutating func closeLength(_ start: Int) -> Int {
        precondition(start >= 4 && start <= bytes.count, "a length is closed where it was opened")
        let length = UInt32(bytes.count - start)
        for place in 0..<4 { bytes[start - 4 + place] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(place))) }
        return Int(length)
    }

    // MARK: Fields

    private mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func appendTag(_ fieldNumber: Int, _ wire: UInt64) {
        appendVarint(UInt64(fieldNumber) << 3 | wire)
    }

    mutating func visitSingularUInt64Field(value: UInt64, fieldNumber: Int) {
        appendTag(fieldNumber, Wire.varint)
        appendVarint(value)
    }

    mutating func visitSingularUInt32Field(value: UInt32, fieldNumber: Int) {
        visitSingularUInt64Field(value: UInt64(value), fieldNumber: fieldNumber)
    }

    mutating func visitSingularBoolField(value: Bool, fieldNumber: Int) {
        visitSingularUInt64Field(value: value ? 1 : 0, fieldNumber: fieldNumber)
    }

    mutating func visitSingularEnumField<E: Enum>(value: E, fieldNumber: Int) {
        visitSingularUInt64Field(value: UInt64(bitPattern: Int64(value.rawValue)), fieldNumber: fieldNumber)
    }

    mutating func visitSingularFixed64Field(value: UInt64, fieldNumber: Int) {
        appendTag(fieldNumber, Wire.fixed64)
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func visitSingularStringField(value: String, fieldNumber: Int) {
        appendTag(fieldNumber, Wire.delimited)
        appendVarint(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    mutating func visitSingularBytesField(value: Data, fieldNumber: Int) {
        appendTag(fieldNumber, Wire.delimited)
        appendVarint(UInt64(value.count))
        value.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func visitSingularMessageField<M: SwiftProtobuf.Message>(value: M, fieldNumber: Int) throws {
        appendTag(fieldNumber, Wire.delimited)
        // Most inner records are short: room for a length of one byte, widened where that is not enough.
        let start = bytes.count
        bytes.append(0)
        try value.traverse(visitor: &self)
        let length = bytes.count - start - 1
        if length < 0x80 {
            bytes[start] = UInt8(length)
        } else {
            var prefix = CanonicalEncoder()
            prefix.appendVarint(UInt64(length))
            bytes.replaceSubrange(start...start, with: prefix.bytes)
        }
    }

    mutating func visitRepeatedMessageField<M: SwiftProtobuf.Message>(value: [M], fieldNumber: Int) throws {
        for message in value { try visitSingularMessageField(value: message, fieldNumber: fieldNumber) }
    }

    mutating func visitRepeatedStringField(value: [String], fieldNumber: Int) {
        for text in value { visitSingularStringField(value: text, fieldNumber: fieldNumber) }
    }

    mutating func visitPackedUInt32Field(value: [UInt32], fieldNumber: Int) {
        visitPackedUInt64Field(value: value.map { UInt64($0) }, fieldNumber: fieldNumber)
    }

    mutating func visitPackedUInt64Field(value: [UInt64], fieldNumber: Int) {
        appendTag(fieldNumber, Wire.delimited)
        var packed = CanonicalEncoder()
        for number in value { packed.appendVarint(number) }
        appendVarint(UInt64(packed.bytes.count))
        bytes.append(contentsOf: packed.bytes)
    }

    // MARK: What no record has

    /// Commands with unknown fields stop the node before they reach a table.
    mutating func visitUnknown(bytes: Data) {
        precondition(bytes.isEmpty, "a record is made of known fields")
    }

    mutating func visitSingularDoubleField(value: Double, fieldNumber: Int) { Self.refuse() }
    mutating func visitSingularInt64Field(value: Int64, fieldNumber: Int) { Self.refuse() }
    mutating func visitSingularGroupField<G: SwiftProtobuf.Message>(value: G, fieldNumber: Int) { Self.refuse() }
    mutating func visitMapField<KeyType, ValueType: MapValueType>(
        fieldType: _ProtobufMap<KeyType, ValueType>.Type, value: _ProtobufMap<KeyType, ValueType>.BaseType,
        fieldNumber: Int
    ) { Self.refuse() }
    mutating func visitMapField<KeyType, ValueType>(
        fieldType: _ProtobufEnumMap<KeyType, ValueType>.Type, value: _ProtobufEnumMap<KeyType, ValueType>.BaseType,
        fieldNumber: Int
    ) where ValueType.RawValue == Int { Self.refuse() }
    mutating func visitMapField<KeyType, ValueType>(
        fieldType: _ProtobufMessageMap<KeyType, ValueType>.Type,
        value: _ProtobufMessageMap<KeyType, ValueType>.BaseType, fieldNumber: Int
    ) { Self.refuse() }

    private static func refuse() {
        preconditionFailure("the schema of the records has no signed, floating, grouped or mapped field")
    }
}
