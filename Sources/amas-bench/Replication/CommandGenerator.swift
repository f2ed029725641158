import Logging
import NIOCore
import Raft
import RaftServer
import Synchronization

/// Clients of one process, each with one command outstanding, linked to the members as one of them would be. A client's next
/// command is sent as soon as its last one is answered, on the links' own thread, so that the generator takes as little of the
/// machine as it can.
final class CommandGenerator: Sendable {
    struct Target: Sendable {
        /// The members' peer addresses in the order of their ids.
        var members: [PeerAddress]
        var cluster: String
        /// The folder with the certificates of `amas certs`.
        var certificates: String
        /// The id that the load's own certificate names.
        var id: UInt64
    }

    private struct State: Sendable {
        var next: UInt64 = 1
        var sent: [UInt64: ContinuousClock.Instant] = [:]
        var latencies: [Double] = []
        var isMeasuring = false
        /// Commands that may still be sent.
        var left = 0
        var refused = 0
        var leader: NodeID?
        var up: Set<NodeID> = []
        var questions: [UInt64: (node: NodeID, answer: CheckedContinuation<LogIndex, Never>)] = [:]
    }

    private let state: Mutex<State>
    private let transport = Mutex<PeerTransport?>(nil)
    private let nodes: [NodeID]

    /// Returns once every member has answered and one leads.
    init(_ target: Target) async throws {
        nodes = target.members.indices.map { NodeID(UInt64($0) + 1) }
        state = Mutex(State())
        var limits = PeerTransport.Limits()
        // Whoever starts again is to be noticed at once.
        limits.firstBackoff = .milliseconds(2)
        limits.maximumBackoff = .milliseconds(2)
        let transport = PeerTransport(
            configuration: .init(listen: PeerAddress(host: "127.0.0.1", port: 0), limits: limits),
            identity: .init(
                clusterID: target.cluster, node: NodeID(target.id), incarnation: Incarnation(1), boot: BootID(1),
                machineVersionMax: 1, softwareVersion: "bench"),
            tls: .init(
                certificate: "\(target.certificates)/node-\(target.id).crt",
                privateKey: "\(target.certificates)/node-\(target.id).key",
                authorities: "\(target.certificates)/ca.crt"),
            callbacks: .init(
                isKnown: { _ in .accepted },
                frame: { [weak self] _, _, _, payload in
                    if let answer = CommandFrame.Answer(decoding: payload.readableBytesView) { self?.answered(answer) }
                    return .done
                },
                link: { [weak self] node, event in self?.linkChanged(node, event) }),
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        self.transport.withLock { $0 = transport }
        transport.setPeers(Dictionary(uniqueKeysWithValues: zip(nodes, target.members)))
        _ = try await transport.start()
        _ = try await leader()
    }

    func stop() async {
        await transport.withLock { $0 }?.stop()
    }

    // MARK: Loads

    /// Two seconds to warm up, then as many as are asked for.
    func measure(clients: Int, seconds: Int) async throws -> Measurement {
        state.withLock { $0.latencies.reserveCapacity(4_000_000) }
        begin(clients: clients, commands: .max)
        try await Task.sleep(for: .seconds(2))
        let processor = Report.processorSeconds
        let begin = ContinuousClock.now
        state.withLock { $0.isMeasuring = true }
        try await Task.sleep(for: .seconds(seconds))
        let elapsed = (ContinuousClock.now - begin) / .seconds(1)
        let latencies = state.withLock { state in
            state.isMeasuring = false
            state.left = 0
            return state.latencies
        }
        let used = Report.processorSeconds - processor
        try await end()
        guard latencies.count >= clients else {
            throw BenchmarkFailure(description: "only \(latencies.count) answers came")
        }
        return Measurement(
            perSecond: Double(latencies.count) / elapsed, latencies: latencies.sorted(), generatorShare: used / elapsed)
    }

    /// Returns once so many more commands are committed.
    func commit(_ commands: Int, clients: Int) async throws {
        begin(clients: clients, commands: commands)
        try await end()
    }

    private func begin(clients: Int, commands: Int) {
        state.withLock { state in
            state.sent = [:]
            state.latencies = []
            state.left = commands
            state.refused = 0
        }
        for _ in 0..<clients { send() }
    }

    private func end() async throws {
        var (waiting, idle) = (Int.max, 0)
        while waiting > 0 {
            try await Task.sleep(for: .milliseconds(10))
            let now = state.withLock { $0.sent.count + $0.left }
            idle = now == waiting ? idle + 1 : 0
            guard idle < 1000 else { throw BenchmarkFailure(description: "\(now) commands have no answer") }
            waiting = now
        }
        let refused = state.withLock { $0.refused }
        guard refused == 0 else { throw BenchmarkFailure(description: "\(refused) commands were not committed") }
    }

    private func send() {
        let next: (number: UInt64, leader: NodeID)? = state.withLock { state in
            guard state.left > 0, let leader = state.leader else { return nil }
            state.left -= 1
            let number = state.next
            state.next += 1
            state.sent[number] = ContinuousClock.now
            return (number, leader)
        }
        if let next { send(CommandFrame.request(next.number), to: next.leader) }
    }

    private func send(_ bytes: [UInt8], to node: NodeID) {
        _ = transport.withLock { $0 }?.send(bytes, kind: CommandFrame.kind, to: node)
    }

    // MARK: Members

    /// The leader, once every member is linked and names the same.
    func leader() async throws -> NodeID {
        for _ in 0..<600 {
            var leaders: Set<NodeID?> = []
            for node in nodes {
                if await applied(at: node) == nil { leaders.insert(nil) }
                leaders.insert(state.withLock { $0.leader })
            }
            if leaders.count == 1, let leader = leaders.first ?? nil { return leader }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchmarkFailure(description: "the members do not agree on a leader")
    }

    /// What the member has applied, by its own word; nil while there is no link to it. As a side effect its leader is noted.
    func applied(at node: NodeID) async -> LogIndex? {
        let index = await withCheckedContinuation { continuation in
            // Registered only while the link is up: what ends the link answers it.
            let number = state.withLock { state -> UInt64? in
                guard state.up.contains(node) else { return nil }
                state.next += 1
                state.questions[state.next - 1] = (node, continuation)
                return state.next - 1
            }
            guard let number else { return continuation.resume(returning: LogIndex.zero) }
            send(CommandFrame.question(number), to: node)
        }
        return index == .zero ? nil : index
    }

    private func linkChanged(_ node: NodeID, _ event: LinkEvent) {
        let unanswered = state.withLock { state in
            switch event {
            case .up:
                state.up.insert(node)
                return [CheckedContinuation<LogIndex, Never>]()
            case .down:
                state.up.remove(node)
                let unanswered = state.questions.filter { $0.value.node == node }
                for number in unanswered.keys { state.questions[number] = nil }
                return unanswered.values.map(\.answer)
            }
        }
        for question in unanswered { question.resume(returning: .zero) }
    }

    private func answered(_ answer: CommandFrame.Answer) {
        let now = ContinuousClock.now
        let question = state.withLock { state in
            if !answer.isCommitted { state.leader = answer.leader }
            if let sent = state.sent.removeValue(forKey: answer.number) {
                if !answer.isCommitted { state.refused += 1 }
                if state.isMeasuring { state.latencies.append((now - sent) / .milliseconds(1)) }
            }
            return state.questions.removeValue(forKey: answer.number)
        }
        if let question { question.answer.resume(returning: answer.applied) } else { send() }
    }
}
