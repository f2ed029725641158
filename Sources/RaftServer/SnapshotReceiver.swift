import Logging
import Raft
import WriteAheadLog

/// Puts a snapshot together from its chunks, on a thread of its own: what it writes and checks may be large, and the thread
/// on which Raft runs must not wait for a disk.
final class SnapshotReceiver: Sendable {
    struct Callbacks: Sendable {
        /// How much of the file is here, for whoever sends it.
        var answer: @Sendable (SnapshotReceipt, NodeID) -> Void
        /// The file is whole and checked. Nothing more is taken until `release`.
        var received: @Sendable (SnapshotStore.Stored, NodeID, _ leaderTerm: Term) -> Void
        var failed: @Sendable () -> Void
    }

    private enum Request: Sendable {
        case chunk(SnapshotChunk, NodeID)
        case release
    }

    private let requests = Mailbox<Request>()
    private let thread: ServerThread

    init(store: SnapshotStore, logger: Logger, callbacks: Callbacks) {
        let requests = requests
        thread = ServerThread(name: "amas-receive") {
            var assembly = SnapshotAssembly(store: store)
            var isOccupied = false
            while let batch = requests.take(until: nil) {
                for request in batch {
                    switch request {
                    case .release:
                        isOccupied = false
                        store.payloads.release()
                    case .chunk(let chunk, let peer):
                        guard !isOccupied else { continue }
                        do {
                            guard let progress = try assembly.take(chunk) else { continue }
                            callbacks.answer(SnapshotReceipt(position: chunk.position, length: progress.length), peer)
                            guard let stored = progress.complete else { continue }
                            isOccupied = true
                            callbacks.received(stored, peer, chunk.leaderTerm)
                        } catch {
                            logger.error(
                                "a snapshot could not be received",
                                metadata: ["peer": .stringConvertible(peer.rawValue), "error": "\(error)"])
                            callbacks.failed()
                        }
                    }
                }
            }
        }
    }

    /// A sender waits for the answer to one chunk before it sends the next.
    func post(_ chunk: SnapshotChunk, from peer: NodeID) {
        requests.post(.chunk(chunk, peer))
    }

    /// The file that was received has its place, or is not wanted: the next one may come.
    func release() {
        requests.post(.release)
    }

    /// Blocks until the chunk at hand is written.
    func stop() {
        requests.close()
        thread.join()
    }
}

/// The snapshot that is being received: first its file, then the payloads that are missing here. Only one: of a newer leader, or
/// of the same one's newer snapshot.
struct SnapshotAssembly {
    struct Progress {
        /// From where the sender goes on: within the file, or behind it within the payloads.
        var length: Int
        /// Set once everything is durable and its checksums are right.
        var complete: SnapshotStore.Stored?
    }

    private enum Stage {
        case none
        case file(SnapshotFile)
        case payloads(SnapshotStore.Stored, PayloadIntake)
    }

    private let store: SnapshotStore
    private var stage = Stage.none
    private var leaderTerm = Term.zero
    private var position = LogPosition.zero
    private var fileLength = 0

    init(store: SnapshotStore) {
        self.store = store
    }

    /// Takes a chunk. One that does not continue what is here changes nothing, and the length says from where to go on; nil for
    /// one of a snapshot that a newer one has replaced.
    /// - Throws: what the disk says, or `damaged`; the snapshot then begins anew, with the payloads that have come.
    mutating func take(_ chunk: SnapshotChunk) throws -> Progress? {
        let isUnderWay = if case .none = stage { false } else { true }
        guard (chunk.leaderTerm, chunk.position.index) >= (leaderTerm, position.index) || !isUnderWay else {
            return nil
        }
        leaderTerm = chunk.leaderTerm
        do {
            if !isUnderWay || position != chunk.position || fileLength != chunk.fileLength {
                try giveUp()
                stage = .file(try SnapshotFile(creating: store.receivingPath))
                position = chunk.position
                fileLength = chunk.fileLength
            }
            switch stage {
            case .none: preconditionFailure("it was just begun")
            case .file(let file): return try take(chunk, file)
            case .payloads(let stored, let intake): return try take(chunk, stored, intake)
            }
        } catch {
            try? giveUp()
            throw error
        }
    }

    private mutating func take(_ chunk: SnapshotChunk, _ file: SnapshotFile) throws -> Progress {
        guard chunk.offset == file.length else { return Progress(length: file.length) }
        try file.write(chunk.bytes)
        guard file.length == fileLength else { return Progress(length: file.length) }
        try file.sync()
        let stored = try store.open(store.receivingPath)
        guard stored.descriptor.position == position else {
            throw SnapshotStore.Failure.damaged(path: store.receivingPath, reason: "it is of another place in the log")
        }
        let intake = try PayloadIntake(stored.manifest, of: position.index.rawValue, into: store.payloads)
        return try progress(stored, intake)
    }

    private mutating func take(
        _ chunk: SnapshotChunk, _ stored: SnapshotStore.Stored, _ intake: PayloadIntake
    ) throws -> Progress {
        var intake = intake
        if chunk.offset >= fileLength { try intake.take(chunk.bytes, at: chunk.offset - fileLength) }
        return try progress(stored, intake)
    }

    private mutating func progress(_ stored: SnapshotStore.Stored, _ intake: PayloadIntake) throws -> Progress {
        if let next = intake.nextOffset {
            stage = .payloads(stored, intake)
            return Progress(length: fileLength + next)
        }
        var intake = intake
        try intake.keep()
        stage = .none
        return Progress(length: fileLength + stored.manifest.byteCount, complete: stored)
    }

    /// Nothing more of this snapshot is expected; the payloads that have come are of use to the next one.
    private mutating func giveUp() throws {
        let stage = stage
        self.stage = .none
        if case .payloads(_, var intake) = stage { try intake.keep() }
    }
}
