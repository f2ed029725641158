import Raft
import SwiftProtobuf

/// The canonical encoding of what one entry changed, in the order in which it did: what the hash chain covers.
///
/// | bytes | field |
/// |---|---|
/// | 1 | table |
/// | 1 | 1 put, 2 removed |
/// | 4 | length of the key, big-endian |
/// | – | key |
/// | 4 | length of the record (put only), big-endian |
/// | – | record |
struct ChangeLog: Sendable {
    private enum Operation: UInt8 {
        case put = 1
        case remove = 2
    }

    private var encoder = CanonicalEncoder()
    private static let skipped: UInt8 = 255
    private static let prefixBytes = StateHash.byteCount + 16

    /// Returns the bytes of the record's canonical encoding.
    mutating func put(table: TableID, key: some TableKey, record: some SwiftProtobuf.Message) -> Int {
        append(table, .put, key)
        let start = encoder.openLength()
        encoder.append(record)
        return encoder.closeLength(start)
    }

    mutating func remove(table: TableID, key: some TableKey) {
        append(table, .remove, key)
    }

    /// The entry was skipped: a byte that is no table's.
    mutating func noteSkip() {
        precondition(TableID(rawValue: Self.skipped) == nil)
        encoder.append(Self.skipped)
    }

    mutating func begin(previous: StateHash, index: LogIndex, now: ClusterTime) {
        encoder.clear()
        encoder.append(hash: previous)
        encoder.appendBigEndian(index.rawValue)
        encoder.appendBigEndian(now.microseconds)
        precondition(encoder.bytes.count == Self.prefixBytes)
    }

    /// hᵢ = SHA-256(hᵢ₋₁ ‖ index ‖ cluster time ‖ changes).
    func hash() -> StateHash {
        precondition(encoder.bytes.count >= Self.prefixBytes, "an entry is begun before it is sealed")
        return SHA256.hash(encoder.bytes)
    }

    private mutating func append(_ table: TableID, _ operation: Operation, _ key: some TableKey) {
        encoder.append(table.rawValue)
        encoder.append(operation.rawValue)
        let start = encoder.openLength()
        encoder.append(key: key)
        encoder.closeLength(start)
    }
}
