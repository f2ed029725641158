import ClusterState
import Raft
import WriteAheadLog

/// One snapshot on its way to one member; the receiver's answer to each chunk says where to go on.
struct SnapshotStream {
    var number: UInt64
    var stored: SnapshotFiles.Stored
    var leaderTerm: Term
    /// Nil if a newer snapshot has replaced this one.
    var payloads: PayloadView?
    var offset = 0

    /// Bytes of the file and of the payloads that it needs.
    var length: Int { stored.bytes.count + stored.manifest.byteCount }
}

/// The file that is being received. Only one: of a newer leader, or of the same one's newer snapshot.
struct SnapshotAssembly {
    var leaderTerm = Term.zero
    var position = LogPosition.zero
    var fileLength = 0
    var bytes: [UInt8] = []
    var isOpen = false
    /// The whole file, while payloads that it needs are missing.
    var awaiting: (stored: SnapshotFiles.Stored, intake: PayloadIntake)?
    /// A whole file is being checked or installed; nothing more is taken meanwhile.
    var isOccupied = false
}

extension Process {
    // MARK: Own

    func snapshotSaved(_ stored: SnapshotFiles.Stored) {
        let index = stored.descriptor.position.index
        // One from the leader may have overtaken it: in force already, or on its way into the log.
        guard raft.installingSnapshot == nil, index > raft.latestSnapshot.position.index, raft.term(at: index) != nil
        else { return }
        storedSnapshot = stored
        let kept = min(UInt64(world.options.node.retainedEntries), index.rawValue)
        let through = max(LogIndex(index.rawValue - kept), raft.firstIndex.previous)
        step(.snapshotSaved(stored.descriptor, compactThrough: through))
    }

    func compact(_ through: LogIndex) {
        guard let term = raft.term(at: through) else { preconditionFailure("the base of the log has a term") }
        post(.compact(LogPosition(index: through, term: term), snapshot: raft.latestSnapshot.position))
    }

    // MARK: To other members

    func sendSnapshot(to peer: NodeID) {
        guard let storedSnapshot else { preconditionFailure("what is compacted is in a stored snapshot") }
        lastStream += 1
        world.marks.hit(.snapshotSent)
        let place = Int(peer.rawValue) - 1
        streams[place] = SnapshotStream(
            number: lastStream, stored: storedSnapshot, leaderTerm: raft.standing.term,
            payloads: try? payloads.view(of: storedSnapshot.manifest))
        sendChunk(to: place)
    }

    private func sendChunk(to place: Int) {
        guard var stream = streams[place] else { return }
        let isUp = world.links[self.place, place].isUp
        let patience = isUp ? world.options.node.snapshotPatience : 1000
        world.queue.schedule(
            .snapshotPatience(self, place, stream: stream.number, offset: stream.offset), at: world.now + patience)
        guard let bytes = bytes(of: &stream) else { return }
        streams[place] = stream
        send(
            .snapshotChunk(
                SnapshotChunk(
                    leaderTerm: stream.leaderTerm, position: stream.stored.descriptor.position,
                    fileLength: stream.stored.bytes.count, offset: stream.offset,
                    bytes: bytes)), to: world.nodes[place].id)
    }

    /// The next ones; nil if they cannot be had, and the patience with the stream ends.
    private func bytes(of stream: inout SnapshotStream) -> ArraySlice<UInt8>? {
        let file = stream.stored.bytes
        let count = world.options.node.snapshotChunkBytes
        if stream.offset < file.count { return file[stream.offset..<min(file.count, stream.offset + count)] }
        return (try? stream.payloads?.read(at: stream.offset - file.count, count: count)).map { $0[...] }
    }

    func receivedReceipt(_ position: LogPosition, length: Int, from peer: NodeID) {
        let place = Int(peer.rawValue) - 1
        guard var stream = streams[place], stream.stored.descriptor.position == position else { return }
        guard length < stream.length else { return endStream(place, succeeded: true) }
        // A repeated answer asks for nothing new.
        guard length != stream.offset else { return }
        stream.offset = length
        streams[place] = stream
        sendChunk(to: place)
    }

    func snapshotPatienceEnded(_ place: Int, stream: UInt64, offset: Int) {
        guard let current = streams[place], current.number == stream, current.offset == offset else { return }
        endStream(place, succeeded: false)
    }

    private func endStream(_ place: Int, succeeded: Bool) {
        streams[place] = nil
        step(.snapshotSent(to: world.nodes[place].id, succeeded: succeeded))
    }

    // MARK: From the leader

    func receiveChunk(_ chunk: SnapshotChunk, from peer: NodeID) {
        guard receivedSnapshot == nil, chunk.leaderTerm >= raft.standing.term else { return }
        guard chunk.position.index > raft.commitIndex else {
            // A late stream: all that is in it is here.
            let isOfFile = chunk.offset < chunk.fileLength
            return send(
                .snapshotReceipt(chunk.position, length: isOfFile ? chunk.fileLength : .max), to: peer)
        }
        guard !assembly.isOccupied else { return }
        if assembly.isOpen,
            (chunk.leaderTerm, chunk.position.index) < (assembly.leaderTerm, assembly.position.index)
        {
            return
        }
        assembly.leaderTerm = chunk.leaderTerm
        if !assembly.isOpen || assembly.position != chunk.position || assembly.fileLength != chunk.fileLength {
            assembly.isOpen = true
            assembly.position = chunk.position
            assembly.fileLength = chunk.fileLength
            assembly.bytes = []
            giveUpPayloads()
        }
        if assembly.awaiting != nil { return receivePayloads(chunk, from: peer) }
        if chunk.offset == assembly.bytes.count { assembly.bytes.append(contentsOf: chunk.bytes) }
        if assembly.bytes.count == assembly.fileLength { return check(from: peer) }
        send(.snapshotReceipt(chunk.position, length: assembly.bytes.count), to: peer)
    }

    /// Nothing more of that snapshot is expected; the payloads that have come are of use to the next one.
    private func giveUpPayloads() {
        guard var intake = assembly.awaiting?.intake else { return }
        assembly.awaiting = nil
        try? node.disk.runAtOnce { () throws(PayloadStoreError) in try intake.keep() }
    }

    private func check(from peer: NodeID) {
        guard let stored = SnapshotFiles.decode(assembly.bytes, name: SnapshotFiles.receivingName),
            stored.descriptor.position == assembly.position
        else { return world.fail(Violation("Snapshot", "a file arrived damaged on node \(id)")) }
        let begun = node.disk.runAtOnce {
            try? PayloadIntake(stored.manifest, of: stored.descriptor.position.index.rawValue, into: payloads)
        }
        guard let intake = begun else { return beginAnew() }
        assembly.awaiting = (stored, intake)
        goOn(with: peer)
    }

    private func receivePayloads(_ chunk: SnapshotChunk, from peer: NodeID) {
        guard let stored = assembly.awaiting?.stored, var intake = assembly.awaiting?.intake else {
            preconditionFailure("payloads are awaited")
        }
        assembly.awaiting = nil
        if chunk.offset >= chunk.fileLength {
            let isTaken = node.disk.runAtOnce {
                (try? intake.take(chunk.bytes, at: chunk.offset - chunk.fileLength)) != nil
            }
            guard isTaken else { return beginAnew() }
        }
        assembly.awaiting = (stored, intake)
        goOn(with: peer)
    }

    private func beginAnew() {
        assembly.bytes = []
        assembly.isOpen = false
        assembly.awaiting = nil
    }

    /// Asks for the next payload that is missing, or makes the whole durable.
    private func goOn(with peer: NodeID) {
        guard let stored = assembly.awaiting?.stored, var intake = assembly.awaiting?.intake else {
            preconditionFailure("a whole file is here")
        }
        let next = intake.nextOffset ?? stored.manifest.byteCount
        send(.snapshotReceipt(assembly.position, length: assembly.fileLength + next), to: peer)
        guard intake.nextOffset == nil else { return }
        if !stored.manifest.isEmpty { world.marks.hit(.payloadsReceived) }
        let isKept = node.disk.runAtOnce { (try? intake.keep()) != nil }
        let bytes = assembly.bytes
        beginAnew()
        guard isKept else { return }
        let job = DiskJob()
        let files = SnapshotFiles(disk: node.disk)
        guard (try? node.disk.run(job, { try files.write(bytes, as: SnapshotFiles.receivingName) })) != nil else {
            return node.disk.complete(job)
        }
        assembly.isOccupied = true
        world.queue.schedule(
            .snapshotReceived(self, stored, job, from: peer, leaderTerm: assembly.leaderTerm),
            at: world.timeAfterWrite(node))
    }

    func snapshotReceived(_ stored: SnapshotFiles.Stored, _ job: DiskJob, from peer: NodeID, leaderTerm: Term) {
        node.disk.complete(job)
        precondition(receivedSnapshot == nil, "the receiver takes the next one when this one is released")
        receivedSnapshot = stored
        step(.message(Message(from: peer, to: id, term: leaderTerm, body: .installSnapshot(stored.descriptor))))
        // Not wanted after all: the log has it already, or its leader leads no more.
        guard isAlive, raft.installingSnapshot == nil else { return }
        receivedSnapshot = nil
        assembly.isOccupied = false
        payloads.release()
    }

    /// First the file, then the mark in the log, then the state: at whatever point the process dies, a start finds either the
    /// old log or the new snapshot.
    func install(_ descriptor: SnapshotDescriptor) {
        guard let received = receivedSnapshot, received.descriptor == descriptor else {
            preconditionFailure("only a received snapshot is installed")
        }
        // Where the log reaches so far it holds another entry there, or the snapshot would not be installed.
        let truncateFrom = raft.lastLog.index >= descriptor.position.index ? descriptor.position.index : nil
        let files = SnapshotFiles(disk: node.disk)
        let job = DiskJob()
        guard let adopted = try? node.disk.run(job, { try files.adopt(received) }) else {
            return world.exit(node, because: "the disk failed under a snapshot")
        }
        if world.crashesHere(node) { return }
        node.disk.complete(job)
        guard case .adopted(let stored) = adopted else {
            preconditionFailure("a snapshot of the own state does not reach beyond the commit index")
        }
        receivedSnapshot = stored
        post(.install(descriptor.position, truncateFrom: truncateFrom, stored))
    }

    func snapshotInstalled(_ descriptor: SnapshotDescriptor) {
        world.marks.hit(.snapshotInstalled)
        storedSnapshot = receivedSnapshot
        receivedSnapshot = nil
        assembly.isOccupied = false
        payloads.release()
        // The entries in it were never seen here, and a leader must not stamp earlier times than they have.
        greatestClusterTime = max(greatestClusterTime, machine.now.microseconds)
        step(.snapshotInstalled(descriptor))
    }
}
