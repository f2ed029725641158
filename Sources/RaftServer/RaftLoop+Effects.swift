import Logging
import Raft

extension RaftLoop {
    func step(_ input: Input) {
        for effect in raft.step(input, at: tick) { execute(effect) }
    }

    private func execute(_ effect: Effect) {
        switch effect {
        case .send(let message): ports.send(message.encoded(), .raft, message.to)
        case .persist(let write):
            noteClusterTime(of: write.entries)
            ports.write(.write(write))
        case .apply(let entries): ports.apply(entries)
        case .readReady(let token, let index): answerRead(token, index)
        case .readRejected(let token, _): answerRead(token, .zero)
        case .proposalsRejected(let tokens, let reason): refuse(tokens, reason)
        case .sendSnapshot(let peer, _): sendSnapshot(to: peer)
        case .installSnapshot(let descriptor): install(descriptor)
        case .compact(let through): compact(through)
        case .roleChanged(let standing): roleChanged(standing)
        case .membershipChanged: break
        case .transferEnded(let outcome):
            for waiter in transferWaiters { waiter.resume(returning: outcome) }
            transferWaiters = []
        }
    }

    private func noteClusterTime(of entries: [Entry]) {
        for entry in entries where entry.kind == .command {
            greatestClusterTime = max(greatestClusterTime, Envelope.clusterTimeMicroseconds(of: entry.data) ?? 0)
        }
    }

    private func roleChanged(_ standing: Standing) {
        logger.info(
            "raft role",
            metadata: [
                "role": "\(standing.role)", "term": "\(standing.term)", "leader": "\(standing.leader.map { "\($0)" } ?? "none")",
            ])
        if standing.role == .leader {
            clock = ClusterClock(
                continuing: greatestClusterTime, now: MonotonicTime.now, wallMicroseconds: wallTimeMicroseconds())
        }
        ports.standingChanged(standing)
        guard standing.leader != nil else { return }
        resubmit()
        if let number = reads.request(now: MonotonicTime.now, again: true) { askLeader(number) }
    }

    // MARK: Reads

    func requestReads() {
        guard raft.standing.leader != nil, let number = reads.request(now: MonotonicTime.now) else { return }
        askLeader(number)
    }

    private func askLeader(_ number: UInt64) {
        guard let leader = raft.standing.leader else { return reads.refused(number) }
        if leader == raft.id {
            startRead(RemoteRead(peer: nil, number: number))
        } else {
            ports.send(ReadFrame(number: number, index: .zero).encoded(), .readRequest, leader)
        }
    }

    func startRead(_ read: RemoteRead) {
        readTokens += 1
        remoteReads[readTokens] = read
        step(.read(ReadToken(rawValue: readTokens)))
    }

    private func answerRead(_ token: ReadToken, _ index: LogIndex) {
        guard let read = remoteReads.removeValue(forKey: token.rawValue) else { return }
        if let peer = read.peer {
            ports.send(ReadFrame(number: read.number, index: index).encoded(), .readAnswer, peer)
        } else if index == .zero {
            reads.refused(read.number)
        } else {
            reads.answer(read.number, index)
            requestReads()
        }
    }

    // MARK: Snapshots

    func snapshotSaved(_ stored: SnapshotStore.Stored) {
        let index = stored.descriptor.position.index
        // A newer one may have come from the leader meanwhile.
        guard index > raft.latestSnapshot.position.index, raft.term(at: index) != nil else { return }
        storedSnapshot = stored
        let kept = min(limits.retainedEntries, index.rawValue)
        let through = max(LogIndex(index.rawValue - kept), raft.firstIndex.previous)
        step(.snapshotSaved(stored.descriptor, compactThrough: through))
    }

    private func compact(_ through: LogIndex) {
        guard let term = raft.term(at: through) else { preconditionFailure("the base of the log has a term") }
        ports.write(
            .compact(LogPosition(index: through, term: term), snapshot: raft.latestSnapshot.position))
    }

    private func sendSnapshot(to peer: NodeID) {
        guard let storedSnapshot else { preconditionFailure("what is compacted is in a stored snapshot") }
        ports.startSnapshot(peer, storedSnapshot, raft.standing.term)
    }

    func receiveSnapshotChunk(_ bytes: [UInt8], from peer: NodeID) {
        guard receivedSnapshot == nil, let chunk = SnapshotChunk(decoding: bytes),
            chunk.leaderTerm >= raft.standing.term
        else { return }
        do {
            switch try receiver.receive(chunk) {
            case .has(let length): answerChunk(length, to: peer)
            case .complete(let stored):
                answerChunk(chunk.fileLength, to: peer)
                receivedSnapshot = stored
                step(
                    .message(
                        Message(
                            from: peer, to: raft.id, term: chunk.leaderTerm, body: .installSnapshot(stored.descriptor))))
                // Not wanted after all: the log has it already.
                if raft.installingSnapshot == nil { receivedSnapshot = nil }
            }
        } catch {
            logger.error("a snapshot could not be received", metadata: ["peer": "\(peer)", "error": "\(error)"])
        }
    }

    private func answerChunk(_ length: Int, to peer: NodeID) {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(UInt64(length))
        ports.send(bytes, .snapshotReceipt, peer)
    }

    /// First the file, then the mark in the log, then the state: at whatever point the process dies, a start finds either the
    /// old log or the new snapshot.
    private func install(_ descriptor: SnapshotDescriptor) {
        guard let received = receivedSnapshot, received.descriptor == descriptor else {
            preconditionFailure("only a received snapshot is installed")
        }
        let ports = ports
        do {
            let stored = try store.adopt(received.path, descriptor)
            receivedSnapshot = stored
            ports.write(.install(descriptor) { ports.install(stored) })
        } catch {
            ports.failed("\(error)")
        }
    }
}
