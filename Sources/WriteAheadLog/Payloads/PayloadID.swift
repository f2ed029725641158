/// The name of a payload: the SHA-256 of its bytes as they are stored. Whoever hands bytes in has computed it.
public struct PayloadID: Hashable, Comparable, Sendable {
    public static let byteCount = 32
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// Nil unless there are exactly 32 bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        let words = Array(bytes).withUnsafeBytes { buffer in
            (0..<4).map { UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self)) }
        }
        (first, second, third, fourth) = (words[0], words[1], words[2], words[3])
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        for word in [first, second, third, fourth] {
            withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    public static func < (left: PayloadID, right: PayloadID) -> Bool {
        (left.first, left.second, left.third, left.fourth) < (right.first, right.second, right.third, right.fourth)
    }
}

/// That a state needs a payload.
public struct NeededPayload: Hashable, Sendable {
    public let id: PayloadID
    /// Bytes as they are stored.
    public let length: Int

    public init(id: PayloadID, length: Int) {
        precondition(length > 0, "nothing is not stored")
        self.id = id
        self.length = length
    }
}

/// A payload as segments and manifests list it.
///
/// | bytes | field |
/// |---|---|
/// | 32 | id |
/// | 8 | length, little-endian |
/// | 4 | CRC-32C of the bytes, little-endian |
public struct PayloadEntry: Hashable, Sendable {
    public static let byteCount = PayloadID.byteCount + 12
    public let id: PayloadID
    public let length: Int
    public let checksum: UInt32

    init(id: PayloadID, length: Int, checksum: UInt32) {
        self.id = id
        self.length = length
        self.checksum = checksum
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(contentsOf: id.bytes)
        withUnsafeBytes(of: UInt64(length).littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: checksum.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Nil unless `bytes` are exactly entries, each of something.
    static func list(decoding bytes: ArraySlice<UInt8>) -> [PayloadEntry]? {
        guard bytes.count % byteCount == 0 else { return nil }
        var entries: [PayloadEntry] = []
        entries.reserveCapacity(bytes.count / byteCount)
        var rest = bytes
        while !rest.isEmpty {
            let (length, checksum) = rest.withUnsafeBytes { buffer in
                (
                    UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: 32, as: UInt64.self)),
                    UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: 40, as: UInt32.self))
                )
            }
            guard let id = PayloadID(bytes: rest.prefix(PayloadID.byteCount)),
                (1...UInt64(PayloadStore.Limits.greatestPayloadBytes)).contains(length)
            else { return nil }
            entries.append(PayloadEntry(id: id, length: Int(length), checksum: checksum))
            rest = rest.dropFirst(byteCount)
        }
        return entries
    }
}
