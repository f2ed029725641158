import Logging
import NIOCore
import Raft
import Synchronization
import WriteAheadLog

/// One piece of a snapshot file on its way: term of the leader (8), index (8) and term (8) of the snapshot, length of the file (8),
/// offset (8), then the bytes. Behind the file come the payloads that it needs, laid end to end: the offset goes on.
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
        let count = UInt64(frame.count - Self.headerLength)
        guard length <= UInt64(Int64.max) / 2, offset <= UInt64(Int64.max) / 2 else { return nil }
        // What begins in the file ends in it; payloads have places of their own behind it.
        guard offset >= length || count <= length - offset else { return nil }
        leaderTerm = Term(slice.littleEndian(at: 0))
        position = LogPosition(index: LogIndex(slice.littleEndian(at: 8)), term: Term(slice.littleEndian(at: 16)))
        fileLength = Int(length)
        self.offset = Int(offset)
        bytes = slice.dropFirst(Self.headerLength)
    }
}

/// Sends snapshot files to members that need them, on a thread a transfer. The receiver answers every chunk with how much it
/// has, so that a transfer resumes where a broken link left it and memory stays bounded.
///
/// To each member one stream goes out at a time, under a number: a new one ends the one before, whose fate then says nothing
/// any more.
final class SnapshotSender: Sendable {
    struct Stream: Hashable, Sendable {
        var peer: NodeID
        var number: UInt64
    }

    private struct Transfer {
        var stream: Stream
        var snapshot: SnapshotStore.Stored
        var leaderTerm: Term
        var receipts: Mailbox<Int>
    }

    private let transfers = Mutex<[NodeID: Transfer]>([:])
    private let pace: Mutex<TransferPace>
    private let store: PayloadStore
    private let limits: ServerLimits
    private let logger: Logger
    private let send: @Sendable ([UInt8], NodeID) -> PeerTransport.SendOutcome
    private let finished: @Sendable (Stream, _ succeeded: Bool) -> Void
    /// Between two attempts when too much of other transfers still waits for the kernel.
    private static let pauseMilliseconds: UInt64 = 5

    init(
        store: PayloadStore, limits: ServerLimits, logger: Logger,
        send: @escaping @Sendable ([UInt8], NodeID) -> PeerTransport.SendOutcome,
        finished: @escaping @Sendable (Stream, _ succeeded: Bool) -> Void
    ) {
        self.store = store
        self.limits = limits
        pace = Mutex(TransferPace(bytesPerSecond: limits.snapshotBytesPerSecond))
        self.logger = logger
        self.send = send
        self.finished = finished
    }

    func start(_ stream: Stream, stored: SnapshotStore.Stored, leaderTerm: Term) {
        let transfer = Transfer(stream: stream, snapshot: stored, leaderTerm: leaderTerm, receipts: Mailbox())
        transfers.withLock { transfers in
            transfers[stream.peer]?.receipts.close()
            transfers[stream.peer] = transfer
        }
        _ = ServerThread(name: "amas-snapshot") { [self] in
            let succeeded = run(transfer)
            transfers.withLock { transfers in
                if transfers[stream.peer]?.stream == stream { transfers[stream.peer] = nil }
            }
            logger.info(
                "snapshot sent",
                metadata: [
                    "peer": .stringConvertible(stream.peer.rawValue),
                    "index": .stringConvertible(stored.descriptor.position.index.rawValue),
                    "succeeded": .stringConvertible(succeeded),
                ])
            finished(stream, succeeded)
        }
    }

    /// A receiver says how much it has. What it says of another snapshot than the one on its way to it is late.
    func received(_ receipt: SnapshotReceipt, by peer: NodeID) {
        transfers.withLock { transfers in
            guard let transfer = transfers[peer], transfer.snapshot.descriptor.position == receipt.position else {
                return
            }
            transfer.receipts.post(receipt.length)
        }
    }

    /// Ends all transfers, as when this node no longer leads.
    func stopAll() {
        transfers.withLock { transfers in
            for transfer in transfers.values { transfer.receipts.close() }
            transfers = [:]
        }
    }

    /// Returns whether the receiver has everything.
    private func run(_ transfer: Transfer) -> Bool {
        // The open files outlive their names: a newer snapshot may replace this one meanwhile.
        guard let file = try? SnapshotFile(reading: transfer.snapshot.path),
            var payloads = try? store.view(of: transfer.snapshot.manifest)
        else { return false }
        let end = file.length + transfer.snapshot.manifest.byteCount
        var offset = 0
        while offset < end {
            let bytes: [UInt8]
            do {
                bytes =
                    offset < file.length
                    ? try file.read(at: offset, count: min(limits.snapshotChunkBytes, file.length - offset))
                    : try payloads.read(at: offset - file.length, count: limits.snapshotChunkBytes)
            } catch {
                logger.error("a snapshot cannot be read", metadata: ["error": "\(error)"])
                return false
            }
            guard hasTurn(bytes.count, transfer.stream) else { return false }
            let chunk = SnapshotChunk(
                leaderTerm: transfer.leaderTerm, position: transfer.snapshot.descriptor.position,
                fileLength: file.length, offset: offset, bytes: bytes[...])
            guard hasQueued(chunk.encoded(), for: transfer.stream.peer) else { return false }
            let deadline = MonotonicTime.now.adding(milliseconds: limits.snapshotPatienceMilliseconds)
            guard let answer = transfer.receipts.take(until: deadline)?.last else { return false }
            offset = answer
        }
        return true
    }

    /// Waits until so many bytes may go. Returns whether the transfer is still wanted then.
    private func hasTurn(_ bytes: Int, _ stream: Stream) -> Bool {
        let turn = pace.withLock { $0.turn(of: bytes, at: MonotonicTime.now) }
        while transfers.withLock({ $0[stream.peer]?.stream == stream }) {
            let now = MonotonicTime.now
            guard now < turn else { return true }
            sleepMilliseconds(min(Self.pauseMilliseconds, turn.milliseconds(since: now) + 1))
        }
        return false
    }

    private func hasQueued(_ frame: [UInt8], for peer: NodeID) -> Bool {
        let deadline = MonotonicTime.now.adding(milliseconds: limits.snapshotPatienceMilliseconds)
        while true {
            switch send(frame, peer) {
            case .queued: return true
            case .linkDown, .tooLarge: return false
            case .full:
                guard MonotonicTime.now < deadline else { return false }
                sleepMilliseconds(Self.pauseMilliseconds)
            }
        }
    }
}
