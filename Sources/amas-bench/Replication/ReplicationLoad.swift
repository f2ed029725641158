import ArgumentParser
import Glibc
import Logging
import NIOCore
import Raft
import RaftServer
import Synchronization

/// Clients of one process, each with one command outstanding, against the leader of three members.
struct ReplicationLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replication", abstract: "Measures how fast 512 B commands are committed on three members.")
    @Option(help: "The members' peer addresses in the order of their ids, separated by commas.") var members: String
    @Option(help: "The cluster's id.") var cluster: String
    @Option(help: "The folder with the certificates of `amas certs`.") var certificates: String
    @Option(help: "The id that the load's own certificate names.") var id: UInt64
    @Option(help: "How many clients, one measurement each.") var clients: [Int] = [1, 64, 256]
    @Option(help: "Seconds of each measurement.") var seconds: Int = 10
    @Option(help: "How often each is measured; medians are printed.") var rounds: Int = 3

    func run() async throws {
        let addresses = members.split(separator: ",").compactMap { PeerAddress(String($0)) }
        let peers = Dictionary(
            uniqueKeysWithValues: addresses.enumerated().map { (NodeID(UInt64($0.offset) + 1), $0.element) })
        let generator = CommandGenerator()
        let transport = PeerTransport(
            configuration: .init(listen: PeerAddress(host: "127.0.0.1", port: 0)),
            identity: .init(
                clusterID: cluster, node: NodeID(id), incarnation: Incarnation(1), boot: BootID(1),
                machineVersionMax: 1,
                softwareVersion: "bench"),
            tls: .init(
                certificate: "\(certificates)/node-\(id).crt", privateKey: "\(certificates)/node-\(id).key",
                authorities: "\(certificates)/ca.crt"),
            callbacks: .init(
                isKnown: { _, _ in .accepted },
                frame: { _, _, _, payload in
                    generator.answered(payload.readableBytesView)
                    return .done
                },
                link: { node, event in generator.linkChanged(node, event) }),
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        generator.transport.withLock { $0 = transport }
        transport.setPeers(peers)
        _ = try await transport.start()
        try await generator.findLeader(among: Array(peers.keys).sorted { $0.rawValue < $1.rawValue })
        for clients in clients {
            var measured: [CommandGenerator.Measurement] = []
            for _ in 0..<rounds { measured.append(try await generator.measure(clients: clients, seconds: seconds)) }
            func median(_ value: (CommandGenerator.Measurement) -> Double) -> Double {
                measured.map(value).sorted().percentile(0.5)
            }
            try Figure("replication_throughput_\(clients)", median(\.perSecond), "commands/s").print()
            try Figure("replication_p50_\(clients)", median { $0.latencies.percentile(0.5) }, "ms").print()
            try Figure("replication_p99_\(clients)", median { $0.latencies.percentile(0.99) }, "ms").print()
            Report.say("\(clients) clients: the generator used \(Int(median(\.generatorShare) * 100)) % of a core")
        }
        await transport.stop()
    }
}

/// Sends a client's next command as soon as its last one is answered, on the links' own thread, so that the generator takes
/// as little of the machine as it can.
final class CommandGenerator: Sendable {
    struct Measurement: Sendable {
        var perSecond: Double
        /// Milliseconds, sorted.
        var latencies: [Double]
        var generatorShare: Double
    }

    private struct State: Sendable {
        var next: UInt64 = 1
        var sent: [UInt64: ContinuousClock.Instant] = [:]
        var latencies: [Double] = []
        var isMeasuring = false
        var goesOn = false
        var leader: NodeID?
        var up: Set<NodeID> = []
        var refused = 0
    }

    private let state = Mutex(State())
    let transport = Mutex<PeerTransport?>(nil)

    func linkChanged(_ node: NodeID, _ event: LinkEvent) {
        state.withLock { state in
            switch event {
            case .up: state.up.insert(node)
            case .down: state.up.remove(node)
            }
        }
    }

    /// The command's number, when it was sent, and what comes next for its client.
    func answered(_ payload: ByteBufferView) {
        guard payload.count == 24 else { return }
        let number = CommandFrame.number(payload)
        let now = ContinuousClock.now
        let goesOn = state.withLock { state in
            guard let sent = state.sent.removeValue(forKey: number) else { return false }
            let leader = CommandFrame.number(payload, at: 16)
            state.leader = leader == 0 ? nil : NodeID(leader)
            if payload[payload.startIndex + 8] == 0 { state.refused += 1 }
            if state.isMeasuring { state.latencies.append((now - sent) / .milliseconds(1)) }
            return state.goesOn
        }
        if goesOn { send() }
    }

    private func send(to node: NodeID? = nil) {
        let (number, target) = state.withLock { state in
            let number = state.next
            state.next += 1
            state.sent[number] = ContinuousClock.now
            return (number, node ?? state.leader)
        }
        guard let target else { return }
        _ = transport.withLock { $0 }?.send(CommandFrame.request(number), kind: CommandFrame.kind, to: target)
    }

    func findLeader(among nodes: [NodeID]) async throws {
        for _ in 0..<300 {
            if state.withLock({ $0.leader != nil && $0.up.count == nodes.count }) { return }
            for node in nodes { send(to: node) }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw BenchmarkFailure(description: "no leader answered")
    }

    /// Two seconds to warm up, then as many as were asked for.
    func measure(clients: Int, seconds: Int) async throws -> Measurement {
        state.withLock { state in
            state.sent = [:]
            state.latencies = []
            state.latencies.reserveCapacity(4_000_000)
            state.goesOn = true
            state.refused = 0
        }
        for _ in 0..<clients { send() }
        try await Task.sleep(for: .seconds(2))
        let processor = Report.processorSeconds
        let begin = ContinuousClock.now
        state.withLock { $0.isMeasuring = true }
        try await Task.sleep(for: .seconds(seconds))
        let elapsed = (ContinuousClock.now - begin) / .seconds(1)
        let (latencies, refused) = state.withLock { state in
            state.isMeasuring = false
            state.goesOn = false
            return (state.latencies, state.refused)
        }
        let used = Report.processorSeconds - processor
        try await Task.sleep(for: .milliseconds(300))
        guard latencies.count >= clients else {
            throw BenchmarkFailure(description: "only \(latencies.count) answers came")
        }
        guard refused == 0 else { throw BenchmarkFailure(description: "\(refused) commands were not committed") }
        return Measurement(
            perSecond: Double(latencies.count) / elapsed, latencies: latencies.sorted(), generatorShare: used / elapsed)
    }
}
