import Logging
import Raft

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
                    case .release: isOccupied = false
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

/// The file that is being received. Only one: of a newer leader, or of the same one's newer snapshot.
struct SnapshotAssembly {
    struct Progress {
        var length: Int
        /// Set once the file is whole and its checksum is right.
        var complete: SnapshotStore.Stored?
    }

    private let store: SnapshotStore
    private var file: SnapshotFile?
    private var leaderTerm = Term.zero
    private var position = LogPosition.zero
    private var fileLength = 0

    init(store: SnapshotStore) {
        self.store = store
    }

    /// Takes a chunk. One that does not continue what is here changes nothing, and the length says from where to go on; nil for
    /// one of a file that a newer one has replaced.
    /// - Throws: what the disk says, or `damaged`; the file then begins anew.
    mutating func take(_ chunk: SnapshotChunk) throws -> Progress? {
        guard (chunk.leaderTerm, chunk.position.index) >= (leaderTerm, position.index) || file == nil else {
            return nil
        }
        leaderTerm = chunk.leaderTerm
        if file == nil || position != chunk.position || fileLength != chunk.fileLength {
            file = try SnapshotFile(creating: store.receivingPath)
            position = chunk.position
            fileLength = chunk.fileLength
        }
        guard let file else { preconditionFailure("it was just opened") }
        guard chunk.offset == file.length else { return Progress(length: file.length) }
        do {
            try file.write(chunk.bytes)
            guard file.length == fileLength else { return Progress(length: file.length) }
            try file.sync()
            let stored = try store.open(store.receivingPath)
            guard stored.descriptor.position == position else {
                throw SnapshotStore.Failure.damaged(
                    path: store.receivingPath, reason: "it is of another place in the log")
            }
            self.file = nil
            return Progress(length: fileLength, complete: stored)
        } catch {
            self.file = nil
            throw error
        }
    }
}
