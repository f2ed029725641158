/// The bytes of a snapshot: chunks of at most `chunkBytes`, each verifiable when it arrives.
///
/// | offset | bytes | field of a chunk |
/// |---|---|---|
/// | 0 | 4 | `AMSC` |
/// | 4 | 2 | format version |
/// | 6 | 1 | kind: 1 header, 2 rows, 3 end |
/// | 7 | 1 | codec: 0 raw, 1 one LZ4 block |
/// | 8 | 4 | number of the chunk, from 0 |
/// | 12 | 4 | bytes of the body as it stands here |
/// | 16 | 4 | bytes of the body decoded |
/// | 20 | 32 | SHA-256 of (that of the chunk before ‖ the 20 bytes above ‖ the body) |
/// | 52 | – | body |
///
/// The header's body is a `SnapshotHeader`. The bodies of the row chunks, decoded and joined, are the rows of the tables
/// in the order of their numbers and keys: table (1), length of key (4), length of record (4), key, record; a row may
/// begin in one chunk and end in another. The end's body is the state's canonical digest. Integers are big-endian.
///
/// The digests chain, so a flipped bit, a chunk missing, twice, out of order or of another snapshot is found at that
/// chunk, before anything of it is used; the canonical digest at the end shows that the whole is the state that was meant.
enum SnapshotFormat {
    static let version: UInt16 = 1
    static let magic: [UInt8] = Array("AMSC".utf8)
    static let chunkBytes = 256 << 10
    static let chunkHeaderBytes = 52
    static let chainedBytes = 20
    static let bodyBytes = chunkBytes - chunkHeaderBytes
    static let rowHeaderBytes = 9
    /// A record never comes near it; a length that claims more is damage.
    static let rowBytes = 8 << 20

    enum Kind: UInt8 {
        case header = 1
        case rows = 2
        case end = 3
    }

    static func digest(previous: StateHash, chunkHeader: ArraySlice<UInt8>, body: ArraySlice<UInt8>) -> StateHash {
        precondition(chunkHeader.count == chainedBytes, "the digest covers the fixed fields")
        var hasher = SHA256.Hasher()
        hasher.update(previous.bytes)
        hasher.update(chunkHeader)
        hasher.update(body)
        return hasher.finish()
    }
}

/// Why a snapshot is refused.
public enum SnapshotError: Error, Equatable, Sendable {
    /// It ends too early.
    case truncated
    /// A chunk is not what was written, or not the one that comes next. The number is that of the chunk.
    case damaged(chunk: Int)
    /// The rows are not those of a state, although every chunk is sound: the writer was at fault.
    case inconsistent(table: UInt8)
    /// Something follows the end.
    case trailingBytes
    /// Made by a newer build or under a newer machine version: this node must be upgraded.
    case upgradeRequired(formatVersion: UInt32, machineVersion: UInt32)
}

extension SnapshotError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated: "the snapshot ends too early"
        case .damaged(let chunk): "chunk \(chunk) of the snapshot is damaged"
        case .inconsistent(let table): "the rows of the snapshot's table \(table) are not those of a state"
        case .trailingBytes: "something follows the snapshot's end"
        case .upgradeRequired(let format, let version):
            "the snapshot has format \(format) and needs machine version \(version): upgrade this node"
        }
    }
}
