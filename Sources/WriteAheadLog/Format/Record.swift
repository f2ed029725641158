/// How a record lies in a frame: 24 bytes (little-endian), then the payload. Records follow each other without gaps.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 1 | kind |
/// | 1 | 1 | format version |
/// | 2 | 2 | zero |
/// | 4 | 4 | length of the payload |
/// | 8 | 8 | index (`vote`: term; `truncate`: from) |
/// | 16 | 8 | term (`vote`: voted for; `truncate`: zero) |
///
/// Records have no checksum of their own: a frame is written and judged as a whole, and every sector of it is checked.
enum Record {
    static let headerBytes = 24
    static let formatVersion: UInt8 = 1
    static let compactionPayloadBytes = 8

    enum Kind: UInt8, Sendable {
        case entry = 1
        case vote = 2
        case truncate = 3
        case snapshot = 4
        case compaction = 5
    }

    /// A record as read: what the caller wrote, or the log's own note of a compaction.
    enum Stored: Equatable {
        case written(LogRecord)
        /// Entries up to `through` are gone and so are the segments before `firstSegment`.
        case compaction(through: LogRecord.Position, firstSegment: UInt64)
    }

    static func byteCount(of record: LogRecord) -> Int {
        switch record {
        case .entry(_, _, let payload): headerBytes + payload.count
        case .vote, .truncate, .snapshot: headerBytes
        }
    }

    /// The 24 bytes as three words, in memory order.
    static func header(
        _ kind: Kind, payloadBytes: Int, _ first: UInt64, _ second: UInt64
    ) -> (UInt64, UInt64, UInt64) {
        precondition(payloadBytes <= Int(UInt32.max), "limits keep payloads far below 4 GiB")
        let word = UInt64(kind.rawValue) | UInt64(formatVersion) << 8 | UInt64(payloadBytes) << 32
        return (word.littleEndian, first.littleEndian, second.littleEndian)
    }

    /// Reads the record at the start of `bytes` and removes it from them; nil if there is no well-formed one. The
    /// payload shares the storage of `bytes`.
    static func read(_ bytes: inout ArraySlice<UInt8>) -> Stored? {
        guard bytes.count >= headerBytes else { return nil }
        let (word, first, second) = bytes.withUnsafeBytes {
            (
                UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            )
        }
        let payloadBytes = Int(word >> 32)
        guard let kind = Kind(rawValue: UInt8(truncatingIfNeeded: word)),
            UInt8(truncatingIfNeeded: word >> 8) == formatVersion, UInt16(truncatingIfNeeded: word >> 16) == 0,
            bytes.count - headerBytes >= payloadBytes
        else { return nil }
        let payload = bytes.dropFirst(headerBytes).prefix(payloadBytes)
        bytes = bytes.dropFirst(headerBytes + payloadBytes)
        return stored(kind, payload, first, second)
    }

    private static func stored(
        _ kind: Kind, _ payload: ArraySlice<UInt8>, _ first: UInt64, _ second: UInt64
    ) -> Stored? {
        switch kind {
        case .entry:
            return .written(.entry(index: first, term: second, payload: payload))
        case .vote:
            return payload.isEmpty ? .written(.vote(term: first, votedFor: second)) : nil
        case .truncate:
            return payload.isEmpty && second == 0 ? .written(.truncate(from: first)) : nil
        case .snapshot:
            return payload.isEmpty ? .written(.snapshot(index: first, term: second)) : nil
        case .compaction:
            guard payload.count == compactionPayloadBytes else { return nil }
            let segment = payload.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
            return .compaction(through: .init(index: first, term: second), firstSegment: segment)
        }
    }
}
