import CPlatform

/// One sector that describes something (a segment's header, its seal, the identity) rather than carry records: eight
/// bytes of magic, a format version, fixed fields, and the CRC-32C of it all in the last four bytes.
struct LabelSector {
    static let byteCount = Sector.byteCount
    static let formatVersion: UInt32 = 1
    private static let checksumOffset = byteCount - 4

    enum Content {
        case blank
        case label(LabelSector)
        case newerVersion(UInt32)
        case damaged
    }

    private(set) var bytes = [UInt8](repeating: 0, count: byteCount)

    init(magic: StaticString) {
        precondition(magic.utf8CodeUnitCount == 8, "magics have eight bytes")
        bytes.replaceSubrange(0..<8, with: UnsafeBufferPointer(start: magic.utf8Start, count: 8))
        put(Self.formatVersion, at: 8)
    }

    /// What `bytes` are, taken for a label with this magic. The checksum is judged first: a flipped bit must not make a
    /// label look newer or foreign.
    static func read(_ bytes: [UInt8], magic: StaticString) -> Content {
        precondition(bytes.count == byteCount, "a label is one sector")
        var label = LabelSector(magic: magic)
        let expectedMagic = label.bytes[0..<8]
        label.bytes = bytes
        if bytes.withUnsafeBytes({ Sector.isBlank($0.baseAddress!, byteCount: byteCount) }) { return .blank }
        guard label.get(at: checksumOffset) == label.checksum, bytes[0..<8] == expectedMagic else { return .damaged }
        let version: UInt32 = label.get(at: 8)
        return version <= formatVersion ? .label(label) : .newerVersion(version)
    }

    /// The CRC-32C of all but the last four bytes.
    var checksum: UInt32 {
        bytes.withUnsafeBytes { amas_crc32c(0, $0.baseAddress!, Self.checksumOffset) }
    }

    mutating func close() {
        put(checksum, at: Self.checksumOffset)
    }

    mutating func put<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: value.littleEndian, toByteOffset: offset, as: Value.self) }
    }

    func get<Value: FixedWidthInteger>(at offset: Int) -> Value {
        bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self)) }
    }

    /// A length of two bytes, then UTF-8.
    mutating func put(text: String, at offset: Int) {
        let utf8 = Array(text.utf8)
        precondition(offset + 2 + utf8.count <= Self.checksumOffset, "the text fits into the label")
        put(UInt16(utf8.count), at: offset)
        bytes.replaceSubrange((offset + 2)..<(offset + 2 + utf8.count), with: utf8)
    }

    /// Nil if the length leads out of the label or the bytes are not UTF-8.
    func text(at offset: Int) -> String? {
        let length = Int(get(at: offset) as UInt16)
        guard offset + 2 + length <= Self.checksumOffset else { return nil }
        return String(validating: bytes[(offset + 2)..<(offset + 2 + length)], as: UTF8.self)
    }
}
