import CPlatform

/// A file of payloads, written once and never changed.
///
/// The payloads lie end to end from the start. Behind them comes the index, a `PayloadEntry` each in the same order, and in
/// the last 512 bytes a label, little-endian: group (4, at 12), offset of the index (8, at 16), number of entries (8, at 24),
/// CRC-32C of the index (4, at 32). A file without a whole label has not become a segment: it is synced under another name
/// and renamed.
///
/// Unchecked because the file is only read once it is a segment, by calls that any thread may make at once. It is closed with
/// the last reference: whoever reads goes on although the name is gone.
final class PayloadSegment: @unchecked Sendable {
    static let magic: StaticString = "AMASPAYL"
    static let group: UInt32 = 0
    private enum Field {
        static let group = 12
        static let indexOffset = 16
        static let count = 24
        static let indexChecksum = 32
    }

    let sequence: UInt64
    let entries: [PayloadEntry]
    /// Of all payloads in it.
    let payloadBytes: Int
    private let offsets: [Int]
    private let file: any LogFile

    init(sequence: UInt64, entries: [PayloadEntry], file: any LogFile) {
        self.sequence = sequence
        self.entries = entries
        self.file = file
        var offsets: [Int] = []
        var end = 0
        for entry in entries {
            offsets.append(end)
            end += entry.length
        }
        self.offsets = offsets
        payloadBytes = end
    }

    var name: String { Self.name(sequence) }

    static func name(_ sequence: UInt64) -> String {
        let digits = String(sequence)
        return "payload-" + String(repeating: "0", count: max(0, 20 - digits.count)) + digits
    }

    /// Nil for a name that is not a segment's.
    static func sequence(of name: String) -> UInt64? {
        guard name.hasPrefix("payload-"), let sequence = UInt64(name.dropFirst(8)), Self.name(sequence) == name else {
            return nil
        }
        return sequence
    }

    // MARK: Bytes

    static func tail(of entries: [PayloadEntry], payloadBytes: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(entries.count * PayloadEntry.byteCount + LabelSector.byteCount)
        for entry in entries { entry.append(to: &bytes) }
        var label = LabelSector(magic: magic)
        label.put(group, at: Field.group)
        label.put(UInt64(payloadBytes), at: Field.indexOffset)
        label.put(UInt64(entries.count), at: Field.count)
        label.put(checksum(bytes[...]), at: Field.indexChecksum)
        label.close()
        return bytes + label.bytes
    }

    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBytes { $0.baseAddress.map { start in amas_crc32c(0, start, bytes.count) } ?? 0 }
    }

    /// Reads the index; the payloads are checked as they are read.
    static func open(_ name: String, in storage: any LogStorage) throws(PayloadStoreError) -> PayloadSegment {
        guard let sequence = sequence(of: name) else { preconditionFailure("only segments are opened") }
        let file = try PayloadStoreError.storage { () throws(StorageError) in try storage.open(name) }
        let size = try PayloadStoreError.storage { () throws(StorageError) in Int(try file.size()) }
        guard size >= LabelSector.byteCount else { throw .damaged(file: name, "it is too short") }
        let end = size - LabelSector.byteCount
        let labelBytes = try read(file, LabelSector.byteCount, at: end, name)
        let label: LabelSector
        switch LabelSector.read(labelBytes, magic: magic) {
        case .label(let found): label = found
        case .newerVersion(let version): throw .unknownFormatVersion(file: name, version: version)
        case .blank, .damaged: throw .damaged(file: name, "its label cannot be read")
        }
        let (indexOffset, count): (UInt64, UInt64) = (label.get(at: Field.indexOffset), label.get(at: Field.count))
        let (indexBytes, overflowed) = count.multipliedReportingOverflow(by: UInt64(PayloadEntry.byteCount))
        guard !overflowed, count > 0, label.get(at: Field.group) as UInt32 == group, indexOffset <= UInt64(end),
            indexBytes == UInt64(end) - indexOffset
        else { throw .damaged(file: name, "its length is not what it says") }
        let index = try read(file, Int(indexBytes), at: Int(indexOffset), name)
        guard checksum(index[...]) == label.get(at: Field.indexChecksum) as UInt32,
            let entries = PayloadEntry.list(decoding: index[...])
        else { throw .damaged(file: name, "its index cannot be read") }
        let segment = PayloadSegment(sequence: sequence, entries: entries, file: file)
        guard segment.payloadBytes == Int(indexOffset) else { throw .damaged(file: name, "its index is inconsistent") }
        return segment
    }

    /// The bytes of an entry, checked. Blocks on the disk.
    func read(_ place: Int) throws(PayloadStoreError) -> [UInt8] {
        let entry = entries[place]
        let bytes = try Self.read(file, entry.length, at: offsets[place], name)
        guard Self.checksum(bytes[...]) == entry.checksum else { throw .damaged(file: name, "a payload's checksum") }
        return bytes
    }

    private static func read(
        _ file: any LogFile, _ count: Int, at offset: Int, _ name: String
    ) throws(PayloadStoreError) -> [UInt8] {
        let bytes = try PayloadStoreError.storage { () throws(StorageError) in
            try file.read(count, at: UInt64(offset))
        }
        guard bytes.count == count else { throw .damaged(file: name, "it ends too early") }
        return bytes
    }
}

/// Why payloads cannot be kept or had.
public enum PayloadStoreError: Error, Equatable, Sendable {
    /// A call to the operating system failed; what was being written is not there, all else is as it was.
    case storage(StorageError)
    /// Bytes that had been synced have changed.
    case damaged(file: String, String)
    /// Written by a newer program.
    case unknownFormatVersion(file: String, version: UInt32)
    /// It is not here: never was, or was collected.
    case missing(PayloadID)
    /// The node is stopping.
    case closed

    static func storage<Value>(_ body: () throws(StorageError) -> Value) throws(PayloadStoreError) -> Value {
        do throws(StorageError) {
            return try body()
        } catch {
            throw .storage(error)
        }
    }
}

extension PayloadStoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .storage(let error): "\(error)"
        case .damaged(let file, let reason): "the payload segment \(file) is damaged: \(reason)"
        case .unknownFormatVersion(let file, let version):
            "the payload segment \(file) has format \(version), written by a newer program"
        case .closed: "the payloads are closed"
        case .missing(let id):
            "the payload \(id.bytes.prefix(4).map { String($0, radix: 16) }.joined(separator: " ")) … is not here"
        }
    }
}
