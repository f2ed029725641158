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
        case .membershipChanged(let membership): logMembership(membership)
        case .membershipChangeAccepted(_, let index): answerMembershipChange(.success(index))
        case .membershipChangeRejected(_, let rejection): answerMembershipChange(.failure(rejection))
        case .memberForgot(let peer, let acknowledged, let last):
            logger.error(
                "a member has lost what it had acknowledged: its disk was put back, or does not keep what it confirms",
                metadata: [
                    "peer": .stringConvertible(peer.rawValue),
                    "acknowledged": .stringConvertible(acknowledged.rawValue),
                    "last": .stringConvertible(last.rawValue),
                ])
        case .transferEnded(let outcome): answerTransfers(outcome)
        }
    }

    private func answerMembershipChange(_ answer: MembershipAnswer) {
        membershipWaiter?.resume(returning: answer)
        membershipWaiter = nil
    }

    private func logMembership(_ membership: Membership) {
        func list(_ nodes: [NodeID]) -> Logger.MetadataValue { "\(nodes.map(\.description).joined(separator: " "))" }
        logger.info(
            "membership",
            metadata: [
                "voters": list(membership.voters), "outgoing": list(membership.outgoing),
                "joining": list(membership.joining), "gateways": list(membership.gateways),
            ])
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
                "role": "\(standing.role.name)", "term": .stringConvertible(standing.term.rawValue),
                "leader": standing.leader.map { .stringConvertible($0.rawValue) } ?? "none",
            ])
        if standing.role == .leader {
            clock = ClusterClock(
                continuing: greatestClusterTime, now: MonotonicTime.now, wallMicroseconds: wallTimeMicroseconds())
        } else {
            snapshotStreams = [:]
            ports.stopSnapshots()
        }
        ports.standingChanged(standing)
        if standing.leader != nil { resubmit() }
    }

    // MARK: Reads

    func requestReads() {
        guard raft.standing.leader != nil, let number = reads.request(now: MonotonicTime.now) else { return }
        askLeader(number)
    }

    func askLeader(_ number: UInt64) {
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
}
