import Logging
import NIOCore
import Raft
import Synchronization

/// One piece of a snapshot file on its way: term of the leader (8), index (8) and term (8) of the snapshot, length of the file (8),
/// offset (8), then the bytes.
struct SnapshotChunk {
    static let headerLength = 40
    var leaderTerm: Term
    var position: LogPosition
    var fileLength: Int
    var offset: Int
    var bytes: ArraySlice<UInt8>

    func encoded() -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(Self.headerLength + bytes.count)
        frame.appendLittleEndian(leaderTerm.rawValue)
        frame.appendLittleEndian(position.index.rawValue)
        frame.appendLittleEndian(position.term.rawValue)
        frame.appendLittleEndian(UInt64(fileLength))
        frame.appendLittleEndian(UInt64(offset))
        frame.append(contentsOf: bytes)
        return frame
    }

    init(leaderTerm: Term, position: LogPosition, fileLength: Int, offset: Int, bytes: ArraySlice<UInt8>) {
        self.leaderTerm = leaderTerm
        self.position = position
        self.fileLength = fileLength
        self.offset = offset
        self.bytes = bytes
    }

    init?(decoding frame: [UInt8]) {
        guard frame.count > Self.headerLength else { return nil }
        let slice = frame[...]
        let length: UInt64 = slice.littleEndian(at: 24)
        let offset: UInt64 = slice.littleEndian(at: 32)
        guard length <= UInt64(Int64.max), offset < length, UInt64(frame.count - Self.headerLength) <= length - offset
        else { return nil }
        leaderTerm = Term(slice.littleEndian(at: 0))
        position = LogPosition(index: LogIndex(slice.littleEndian(at: 8)), term: Term(slice.littleEndian(at: 16)))
        fileLength = Int(length)
        self.offset = Int(offset)
        bytes = slice.dropFirst(Self.headerLength)
    }
}

/// Sends snapshot files to members that need them, one at a time to each, on a thread a transfer. The receiver answers every
/// chunk with how much it has, so that a transfer resumes where a broken link left it and memory stays bounded.
final class SnapshotSender: Sendable {
    private struct State {
        var receipts: [NodeID: Mailbox<Int>] = [:]
    }

    private let state = Mutex(State())
    private let limits: ServerLimits
    private let logger: Logger
    private let send: @Sendable ([UInt8], NodeID) -> Bool
    private let finished: @Sendable (NodeID, Bool) -> Void
    /// A member that answers nothing for this long is given up; the leader tries again when it is heard.
    private static let patienceMilliseconds: UInt64 = 3000

    init(
        limits: ServerLimits, logger: Logger, send: @escaping @Sendable ([UInt8], NodeID) -> Bool,
        finished: @escaping @Sendable (NodeID, Bool) -> Void
    ) {
        self.limits = limits
        self.logger = logger
        self.send = send
        self.finished = finished
    }

    func start(to peer: NodeID, stored: SnapshotStore.Stored, leaderTerm: Term) {
        let receipts = Mailbox<Int>()
        state.withLock { state in
            state.receipts[peer]?.close()
            state.receipts[peer] = receipts
        }
        _ = ServerThread(name: "amas-snapshot") { [self] in
            let succeeded = transfer(to: peer, stored: stored, leaderTerm: leaderTerm, receipts: receipts)
            logger.info(
                "snapshot sent",
                metadata: [
                    "peer": "\(peer)", "index": "\(stored.descriptor.position.index)", "succeeded": "\(succeeded)",
                ])
            finished(peer, succeeded)
        }
    }

    /// The receiver has this many bytes.
    func received(_ length: Int, by peer: NodeID) {
        state.withLock { $0.receipts[peer] }?.post(length)
    }

    func stop() {
        state.withLock { state in
            for receipts in state.receipts.values { receipts.close() }
            state.receipts = [:]
        }
    }

    private func transfer(
        to peer: NodeID, stored: SnapshotStore.Stored, leaderTerm: Term, receipts: Mailbox<Int>
    ) -> Bool {
        // The open file outlives its name: a newer snapshot may replace it meanwhile.
        guard let file = try? SnapshotFile(reading: stored.path) else { return false }
        var offset = 0
        while offset < file.length {
            guard let bytes = try? file.read(at: offset, count: min(limits.snapshotChunkBytes, file.length - offset)) else {
                return false
            }
            let chunk = SnapshotChunk(
                leaderTerm: leaderTerm, position: stored.descriptor.position, fileLength: file.length, offset: offset,
                bytes: bytes[...])
            guard send(chunk.encoded(), peer) else { return false }
            let answers = receipts.take(until: MonotonicTime.now.adding(milliseconds: Self.patienceMilliseconds))
            guard let answer = answers?.last, answer <= file.length else { return false }
            offset = answer
        }
        return true
    }
}

/// Puts a snapshot together from its chunks. Owned by the server's thread.
struct SnapshotReceiver {
    private let store: SnapshotStore
    private var file: SnapshotFile?
    private var position: LogPosition?
    private var fileLength = 0

    init(store: SnapshotStore) {
        self.store = store
    }

    var temporaryPath: String { "\(store.folder)/snapshot.receiving" }

    enum Progress {
        case has(Int)
        case complete(SnapshotStore.Stored)
    }

    /// Takes a chunk. One that does not continue what is here changes nothing, and the answer says from where to go on.
    mutating func receive(_ chunk: SnapshotChunk) throws -> Progress {
        if position != chunk.position || fileLength != chunk.fileLength || file == nil {
            file = try SnapshotFile(creating: temporaryPath)
            position = chunk.position
            fileLength = chunk.fileLength
        }
        guard let file else { preconditionFailure("it was just opened") }
        guard chunk.offset == file.length else { return .has(file.length) }
        try file.write(chunk.bytes)
        guard file.length == fileLength else { return .has(file.length) }
        try file.sync()
        self.file = nil
        position = nil
        return .complete(try store.open(temporaryPath))
    }
}
