import FoundationEssentials
import Raft

/// Writes a state as a snapshot, one chunk at a time. It works on a copy: making one is free and the owner of the state
/// applies on meanwhile. The same state gives the same bytes on every node.
public struct SnapshotWriter: Sendable {
    private enum Stage {
        case header
        case rows
        case end
        case done
    }

    private let state: ClusterState
    private var cursor: RowCursor
    private var stage = Stage.header
    private var number: UInt32 = 0
    private var previous = StateHash.zero
    private var pending: [UInt8] = []
    private var digest = SHA256.Hasher()

    public init(_ state: ClusterState) {
        self.state = state
        cursor = RowCursor(state.tables)
        digest.update(state.snapshotHeaderBytes)
    }

    /// The next chunk, at most 256 KiB; nil after the last.
    public mutating func next() -> [UInt8]? {
        switch stage {
        case .header:
            stage = .rows
            return chunk(.header, body: state.snapshotHeaderBytes)
        case .rows:
            while pending.count < SnapshotFormat.bodyBytes, cursor.appendNext(to: &pending) {}
            if pending.isEmpty {
                stage = .end
                return next()
            }
            let body = Array(pending.prefix(SnapshotFormat.bodyBytes))
            pending.removeFirst(body.count)
            digest.update(body)
            return chunk(.rows, body: body)
        case .end:
            stage = .done
            return chunk(.end, body: digest.finish().bytes)
        case .done:
            return nil
        }
    }

    private mutating func chunk(_ kind: SnapshotFormat.Kind, body: [UInt8]) -> [UInt8] {
        precondition(body.count <= SnapshotFormat.bodyBytes, "a chunk is cut before it is written")
        let block = body.withUnsafeBytes { LZ4Block.compress($0) }
        let stored = block ?? body
        var bytes: [UInt8] = []
        bytes.reserveCapacity(SnapshotFormat.chunkHeaderBytes + stored.count)
        bytes.append(contentsOf: SnapshotFormat.magic)
        bytes.appendBigEndian(SnapshotFormat.version)
        bytes.append(kind.rawValue)
        bytes.append(block == nil ? 0 : 1)
        bytes.appendBigEndian(number)
        bytes.appendBigEndian(UInt32(stored.count))
        bytes.appendBigEndian(UInt32(body.count))
        previous = SnapshotFormat.digest(
            previous: previous, chunkHeader: bytes[...], body: stored[...])
        previous.append(to: &bytes)
        bytes.append(contentsOf: stored)
        number += 1
        precondition(bytes.count <= SnapshotFormat.chunkBytes, "chunks are bounded")
        return bytes
    }
}

extension ClusterState {
    /// SHA-256 over position and rows. Two states with the same digest answer every command alike. O(size of the state):
    /// use `hash` to compare nodes as they run.
    public func canonicalDigest() -> StateHash {
        var digest = SHA256.Hasher()
        digest.update(snapshotHeaderBytes)
        var cursor = RowCursor(tables)
        var bytes: [UInt8] = []
        while cursor.appendNext(to: &bytes) {
            if bytes.count >= SnapshotFormat.bodyBytes {
                digest.update(bytes)
                bytes.removeAll(keepingCapacity: true)
            }
        }
        digest.update(bytes)
        return digest.finish()
    }

    var snapshotHeader: SnapshotHeader {
        var header = SnapshotHeader()
        header.formatVersion = UInt32(SnapshotFormat.version)
        header.machineVersion = machineVersion
        header.generation = UInt32(generation)
        header.clusterID = clusterID ?? ""
        header.index = position.index.rawValue
        header.term = position.term.rawValue
        header.hash = Data(position.hash.bytes)
        header.clusterTimeMicroseconds = position.now.microseconds
        header.wallTimeMicroseconds = position.wallTime
        header.windowFloorIndex = position.windowFloor.index.rawValue
        header.windowFloorOrdinal = position.windowFloor.ordinal
        header.rows = UInt64(tables.rowCount)
        return header
    }

    var snapshotHeaderBytes: [UInt8] {
        var encoder = CanonicalEncoder()
        encoder.append(snapshotHeader)
        return encoder.bytes
    }
}

extension Tables {
    var rowCount: Int {
        cluster.count + nodes.count + sessions.count + outcomes.count + idempotency.count + specs.count + tasks.count
            + steps.count + results.count + tombstones.count + buckets.count + events.count + flows.count
            + priorities.count + work.count + totals.count + members.count + uploads.count
    }
}
