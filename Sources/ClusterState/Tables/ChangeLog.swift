import Raft

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

    private(set) var bytes: [UInt8] = []
    private(set) var count = 0

    mutating func put(table: TableID, key: some TableKey, record: [UInt8]) {
        append(table, .put, key)
        bytes.appendBigEndian(UInt32(record.count))
        bytes.append(contentsOf: record)
    }

    mutating func remove(table: TableID, key: some TableKey) {
        append(table, .remove, key)
    }

    mutating func begin(previous: StateHash, index: LogIndex, now: ClusterTime) {
        bytes.removeAll(keepingCapacity: true)
        count = 0
        previous.append(to: &bytes)
        bytes.appendBigEndian(index.rawValue)
        bytes.appendBigEndian(now.microseconds)
        precondition(bytes.count == StateHash.byteCount + 16)
    }

    /// hᵢ = SHA-256(hᵢ₋₁ ‖ index ‖ cluster time ‖ changes).
    func hash() -> StateHash {
        precondition(bytes.count >= StateHash.byteCount + 16, "an entry is begun before it is sealed")
        return SHA256.hash(bytes)
    }

    private mutating func append(_ table: TableID, _ operation: Operation, _ key: some TableKey) {
        count += 1
        bytes.append(table.rawValue)
        bytes.append(operation.rawValue)
        let lengthOffset = bytes.count
        bytes.appendBigEndian(UInt32(0))
        key.append(to: &bytes)
        let length = UInt32(bytes.count - lengthOffset - 4)
        for byte in 0..<4 { bytes[lengthOffset + byte] = UInt8(truncatingIfNeeded: length >> (24 - 8 * byte)) }
    }
}
