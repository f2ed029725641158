import Logging
import Raft

// Snapshots of the own state, to other members, and from the leader. The bytes move on other threads.
extension RaftLoop {
    // MARK: Own

    func snapshotSaved(_ stored: SnapshotStore.Stored) {
        let index = stored.descriptor.position.index
        // One from the leader may have overtaken it: in force already, or on its way into the log.
        guard raft.installingSnapshot == nil, index > raft.latestSnapshot.position.index, raft.term(at: index) != nil
        else {
            return
        }
        storedSnapshot = stored
        let byEntries = LogIndex(index.rawValue - min(limits.retainedEntries, index.rawValue))
        let byBytes = raft.start(of: index, maximumBytes: limits.retainedBytes).previous
        let through = max(byEntries, byBytes, raft.firstIndex.previous)
        step(.snapshotSaved(stored.descriptor, compactThrough: through))
    }

    func compact(_ through: LogIndex) {
        guard let term = raft.term(at: through) else { preconditionFailure("the base of the log has a term") }
        ports.write(
            .compact(LogPosition(index: through, term: term), snapshot: raft.latestSnapshot.position))
    }

    // MARK: To other members

    func sendSnapshot(to peer: NodeID) {
        guard let storedSnapshot else { preconditionFailure("what is compacted is in a stored snapshot") }
        lastSnapshotStream += 1
        let stream = SnapshotSender.Stream(peer: peer, number: lastSnapshotStream)
        snapshotStreams[peer] = stream
        ports.startSnapshot(stream, storedSnapshot, raft.standing.term)
    }

    /// Only the stream that was begun last says something about the member.
    func snapshotSent(_ stream: SnapshotSender.Stream, succeeded: Bool) {
        guard snapshotStreams[stream.peer] == stream else { return }
        snapshotStreams[stream.peer] = nil
        step(.snapshotSent(to: stream.peer, succeeded: succeeded))
    }

    // MARK: From the leader

    func receiveSnapshotChunk(_ bytes: [UInt8], from peer: NodeID) {
        guard receivedSnapshot == nil, let chunk = SnapshotChunk(decoding: bytes),
            chunk.leaderTerm >= raft.standing.term
        else { return }
        guard chunk.position.index > raft.commitIndex else {
            // A late stream: all that is in it is here.
            let isOfFile = chunk.offset < chunk.fileLength
            let receipt = SnapshotReceipt(position: chunk.position, length: isOfFile ? chunk.fileLength : .max)
            return ports.send(receipt.encoded(), .snapshotReceipt, peer)
        }
        ports.receiveChunk(peer, chunk)
    }

    func snapshotReceived(_ stored: SnapshotStore.Stored, from peer: NodeID, leaderTerm: Term) {
        precondition(receivedSnapshot == nil, "the receiver takes the next one when this one is released")
        receivedSnapshot = stored
        step(.message(Message(from: peer, to: raft.id, term: leaderTerm, body: .installSnapshot(stored.descriptor))))
        // Not wanted after all: the log has it already, or its leader leads no more.
        guard raft.installingSnapshot == nil else { return }
        receivedSnapshot = nil
        ports.releaseReceiver()
    }

    /// First the file, then the mark in the log, then the state: at whatever point the process dies, a start finds either the
    /// old log or the new snapshot.
    func install(_ descriptor: SnapshotDescriptor) {
        guard let received = receivedSnapshot, received.descriptor == descriptor else {
            preconditionFailure("only a received snapshot is installed")
        }
        let ports = ports
        // Where the log reaches so far it holds another entry there, or the snapshot would not be installed.
        let truncateFrom = raft.lastLog.index >= descriptor.position.index ? descriptor.position.index : nil
        do {
            guard let stored = try store.adopt(received) else {
                preconditionFailure("a snapshot of the own state does not reach beyond the commit index")
            }
            receivedSnapshot = stored
            ports.write(.install(descriptor.position, truncateFrom: truncateFrom) { ports.install(stored) })
        } catch {
            ports.failed("\(error)")
        }
    }

    func snapshotInstalled(_ descriptor: SnapshotDescriptor, clusterTimeMicroseconds: UInt64) {
        storedSnapshot = receivedSnapshot
        receivedSnapshot = nil
        ports.releaseReceiver()
        // The entries in it were never seen here, and a leader must not stamp earlier times than they have.
        greatestClusterTime = max(greatestClusterTime, clusterTimeMicroseconds)
        step(.snapshotInstalled(descriptor))
        noteRecognition()
    }
}
