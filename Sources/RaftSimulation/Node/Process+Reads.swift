import Raft

/// This process's linearizable reads. Those that come while one request to the leader is under way share the next. Mirrors
/// `RaftServer.PendingReads`.
struct PendingReads {
    struct Waiting {
        var deadline: UInt64
        var operation: OperationID
    }

    var next: [Waiting] = []
    var asked: [Waiting] = []
    /// The request under way; answers to earlier ones are ignored.
    var number: UInt64 = 0
    var askedAt: UInt64?

    /// The number of a request to make now, if there is one.
    mutating func request(now: UInt64, resubmitAfter: UInt64, again: Bool) -> UInt64? {
        if let askedAt, !again, askedAt + resubmitAfter > now { return nil }
        asked.append(contentsOf: next)
        next = []
        guard !asked.isEmpty else {
            askedAt = nil
            return nil
        }
        number += 1
        askedAt = now
        return number
    }

    mutating func refused(_ refused: UInt64) {
        if refused == number { askedAt = nil }
    }

    mutating func answered(_ answer: UInt64) -> [Waiting] {
        guard answer == number, askedAt != nil else { return [] }
        askedAt = nil
        defer { asked = [] }
        return asked
    }
}

/// A read that this node, as the leader, answers for itself (nil) or for another.
struct RemoteRead {
    var token: UInt64
    var peer: NodeID?
    var number: UInt64
}

/// A read that knows its index and waits until this node has applied it.
struct AppliedWaiter {
    var index: LogIndex
    var deadline: UInt64
    var operation: OperationID
}

extension Process {
    func read(_ operation: OperationID) {
        reads.next.append(
            PendingReads.Waiting(deadline: localTime + world.options.node.holdTime, operation: operation))
        requestReads()
    }

    func requestReads() {
        guard raft.standing.leader != nil,
            let number = reads.request(
                now: localTime, resubmitAfter: world.options.node.resubmitAfter, again: false)
        else { return }
        askLeader(number)
    }

    func askAgain() {
        let number = reads.request(now: localTime, resubmitAfter: world.options.node.resubmitAfter, again: true)
        if let number { askLeader(number) }
    }

    private func askLeader(_ number: UInt64) {
        guard let leader = raft.standing.leader else { return reads.refused(number) }
        if leader == id {
            startRead(RemoteRead(token: 0, peer: nil, number: number))
        } else {
            send(.readRequest(number), to: leader)
        }
    }

    func startRead(_ read: RemoteRead) {
        readTokens += 1
        var read = read
        read.token = readTokens
        remoteReads.append(read)
        step(.read(ReadToken(rawValue: readTokens)))
    }

    func answerRead(_ token: ReadToken, _ index: LogIndex) {
        guard let place = remoteReads.firstIndex(where: { $0.token == token.rawValue }) else {
            return world.fail(Violation("ReadAnsweredOnce", "read \(token.rawValue) of node \(id) is answered twice"))
        }
        let read = remoteReads.remove(at: place)
        if let peer = read.peer {
            send(.readAnswer(read.number, index), to: peer)
        } else if index == .zero {
            reads.refused(read.number)
        } else {
            answerReaders(read.number, index)
        }
    }

    func answerReaders(_ number: UInt64, _ index: LogIndex) {
        for waiting in reads.answered(number) {
            world.monitor.readAnswered(waiting.operation, index, on: self)
            appliedWaiters.append(
                AppliedWaiter(index: index, deadline: waiting.deadline, operation: waiting.operation))
        }
        answerAppliedWaiters()
        requestReads()
    }

    func answerAppliedWaiters() {
        guard !appliedWaiters.isEmpty else { return }
        let applied = covered.position.index
        let ready = appliedWaiters.filter { $0.index <= applied }
        appliedWaiters.removeAll { $0.index <= applied }
        for waiter in ready { world.workload.readFinished(waiter.operation, machine) }
    }

    func failReads(where isDue: (_ deadline: UInt64) -> Bool) {
        var failed: [OperationID] = []
        for waiting in reads.next + reads.asked where isDue(waiting.deadline) { failed.append(waiting.operation) }
        for waiter in appliedWaiters where isDue(waiter.deadline) { failed.append(waiter.operation) }
        guard !failed.isEmpty else { return }
        reads.next.removeAll { isDue($0.deadline) }
        reads.asked.removeAll { isDue($0.deadline) }
        appliedWaiters.removeAll { isDue($0.deadline) }
        for operation in failed { world.workload.finished(operation, .unknown) }
    }
}
