import Raft
import SwiftProtobuf

/// Reads a snapshot that comes in pieces of any size. Nothing of a chunk is used before the whole chunk has been verified,
/// and there is no state before `finish` has verified all of it.
///
/// After an error the reader is of no more use.
public struct SnapshotReader: Sendable {
    private let limits: Limits
    private var buffer: [UInt8] = []
    private var rowBytes: [UInt8] = []
    private var number = 0
    private var previous = StateHash.zero
    private var state: ClusterState
    private var digest = SHA256.Hasher()
    private var rowsRead: UInt64 = 0
    private var hasEnded = false

    /// Known once the first chunk has been read.
    public private(set) var header: SnapshotHeader?

    /// - Parameter version: a snapshot under a newer machine version is refused.
    public init(limits: Limits = .version1, supporting version: UInt32 = ClusterState.supportedMachineVersion) {
        self.limits = limits
        state = ClusterState(limits: limits, supporting: version)
    }

    /// Takes the next bytes, verifies every chunk that is complete and takes its rows in.
    public mutating func append(_ bytes: some Collection<UInt8>) throws(SnapshotError) {
        buffer.append(contentsOf: bytes)
        var consumed = 0
        while let chunk = try nextChunk(at: consumed) {
            consumed += chunk.length
            try take(chunk)
        }
        buffer.removeFirst(consumed)
        if hasEnded && !buffer.isEmpty { throw .trailingBytes }
    }

    /// The state, once everything has come.
    public mutating func finish() throws(SnapshotError) -> ClusterState {
        guard hasEnded, buffer.isEmpty, let header else { throw .truncated }
        precondition(state.position.index.rawValue == header.index, "the position was taken from the header")
        return state
    }

    private struct Chunk {
        let kind: SnapshotFormat.Kind
        let body: [UInt8]
        let length: Int
    }

    /// Nil while the chunk is not complete.
    private mutating func nextChunk(at start: Int) throws(SnapshotError) -> Chunk? {
        guard buffer.count - start >= SnapshotFormat.chunkHeaderBytes else { return nil }
        if hasEnded { throw .trailingBytes }
        let fixed = buffer[start..<(start + SnapshotFormat.chainedBytes)]
        var reader = ByteReader(fixed)
        guard let magic = reader.bytes(4), Bytes.equal(magic, SnapshotFormat.magic),
            let version = reader.bigEndian(UInt16.self), let kindByte = reader.bigEndian(UInt8.self),
            let codec = reader.bigEndian(UInt8.self), let chunkNumber = reader.bigEndian(UInt32.self),
            let stored = reader.bigEndian(UInt32.self), let decoded = reader.bigEndian(UInt32.self),
            stored <= SnapshotFormat.bodyBytes, decoded <= SnapshotFormat.bodyBytes
        else { throw .damaged(chunk: number) }
        let bodyStart = start + SnapshotFormat.chunkHeaderBytes
        guard buffer.count - bodyStart >= Int(stored) else { return nil }
        let body = buffer[bodyStart..<(bodyStart + Int(stored))]
        let claimed = StateHash(bytes: buffer[(start + SnapshotFormat.chainedBytes)..<bodyStart])
        let actual = SnapshotFormat.digest(previous: previous, chunkHeader: fixed, body: body)
        guard claimed == actual, chunkNumber == number else { throw .damaged(chunk: number) }
        // Sound, so what is unknown here was meant so.
        guard version == SnapshotFormat.version, let kind = SnapshotFormat.Kind(rawValue: kindByte), codec <= 1 else {
            throw .upgradeRequired(formatVersion: UInt32(version), machineVersion: header?.machineVersion ?? 0)
        }
        guard let bytes = Self.decode(body, codec: codec, length: Int(decoded)) else { throw .damaged(chunk: number) }
        previous = actual
        number += 1
        return Chunk(kind: kind, body: bytes, length: SnapshotFormat.chunkHeaderBytes + Int(stored))
    }

    private static func decode(_ body: ArraySlice<UInt8>, codec: UInt8, length: Int) -> [UInt8]? {
        if codec != 0 { return body.withUnsafeBytes { LZ4Block.decompress($0, length: length) } }
        return body.count == length ? Array(body) : nil
    }

    private mutating func take(_ chunk: Chunk) throws(SnapshotError) {
        switch chunk.kind {
        case .header:
            guard header == nil else { throw .damaged(chunk: number - 1) }
            try takeHeader(chunk.body)
        case .rows:
            guard header != nil else { throw .damaged(chunk: number - 1) }
            digest.update(chunk.body)
            rowBytes.append(contentsOf: chunk.body)
            try takeRows()
        case .end:
            try takeEnd(chunk.body)
        }
    }

    private mutating func takeHeader(_ bytes: [UInt8]) throws(SnapshotError) {
        guard let header = try? SnapshotHeader(serializedBytes: bytes) else { throw .damaged(chunk: 0) }
        guard header.formatVersion == UInt32(SnapshotFormat.version),
            header.machineVersion <= state.supportedVersion, header.group == 0,
            !UnknownFields.exist(in: header)
        else {
            throw .upgradeRequired(formatVersion: header.formatVersion, machineVersion: header.machineVersion)
        }
        guard let hash = StateHash(bytes: header.hash) else { throw .damaged(chunk: 0) }
        state.position.index = LogIndex(header.index)
        state.position.term = Term(header.term)
        state.position.hash = hash
        state.position.now = ClusterTime(microseconds: header.clusterTimeMicroseconds)
        state.position.wallTime = header.wallTimeMicroseconds
        state.position.windowFloor = EventOffset(
            index: LogIndex(header.windowFloorIndex), ordinal: header.windowFloorOrdinal)
        state.position.recentHashes.updateValue(hash, forKey: header.index)
        digest.update(bytes)
        self.header = header
    }

    private mutating func takeRows() throws(SnapshotError) {
        var reader = ByteReader(rowBytes[...])
        var consumed = 0
        while !reader.isAtEnd {
            guard let table = reader.bigEndian(UInt8.self), let keyLength = reader.bigEndian(UInt32.self),
                let recordLength = reader.bigEndian(UInt32.self)
            else { break }
            let length = Int(keyLength) + Int(recordLength)
            guard length <= SnapshotFormat.rowBytes else { throw .inconsistent(table: table) }
            guard let key = reader.bytes(Int(keyLength)), let record = reader.bytes(Int(recordLength)) else { break }
            guard let id = TableID(rawValue: table), state.restore(id, key: key, record: record) else {
                throw .inconsistent(table: table)
            }
            rowsRead += 1
            consumed += SnapshotFormat.rowHeaderBytes + length
        }
        rowBytes.removeFirst(consumed)
    }

    private mutating func takeEnd(_ bytes: [UInt8]) throws(SnapshotError) {
        guard let header, rowBytes.isEmpty, rowsRead == header.rows,
            UInt64(state.tables.rowCount) == header.rows
        else { throw .damaged(chunk: number - 1) }
        guard StateHash(bytes: bytes) == digest.finish() else { throw .damaged(chunk: number - 1) }
        if let table = state.inconsistentTable() { throw .inconsistent(table: table.rawValue) }
        hasEnded = true
    }
}
