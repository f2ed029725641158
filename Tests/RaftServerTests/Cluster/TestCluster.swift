import Foundation
import Logging
import NIOCore
import Raft
import RaftServer
import Synchronization
import Testing

@testable import RaftServer
@testable import WriteAheadLog

/// Real servers in one process: real logs in a temporary folder, real connections over loopback, each through a proxy that can
/// be cut.
final class TestCluster: Sendable {
    typealias Server = RaftServer<Ledger>
    typealias Configure = @Sendable (inout RaftServerConfiguration) -> Void

    struct Running: Sendable {
        var server: Server
        var ledger: Ledger
        var log: LogRecorder
    }

    let ids: [UInt64]
    let folder: String
    private let usesTLS: Bool
    private let configure: Configure
    private let proxies: [Pair: LinkProxy]
    private let ports = Mutex<[Pair: Int]>([:])
    private let running = Mutex<[UInt64: Running]>([:])

    struct Pair: Hashable {
        var from: UInt64
        var to: UInt64
    }

    private init(_ count: Int, tls: Bool, configure: @escaping Configure) throws {
        ids = Array(1...UInt64(count))
        usesTLS = tls
        self.configure = configure
        folder = NSTemporaryDirectory() + "amas-cluster-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var proxies: [Pair: LinkProxy] = [:]
        for from in ids { for to in ids where to != from { proxies[Pair(from: from, to: to)] = LinkProxy() } }
        self.proxies = proxies
    }

    /// Runs `body` with a cluster of `count` nodes, all started, and leaves nothing behind.
    static func run(
        _ count: Int, tls: Bool = false, starting: Bool = true, configure: @escaping Configure = { _ in },
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        let cluster = try TestCluster(count, tls: tls, configure: configure)
        for (pair, proxy) in cluster.proxies {
            let port = try await proxy.start()
            cluster.ports.withLock { $0[pair] = port }
        }
        var failure: (any Error)?
        do {
            if starting { for id in cluster.ids { try await cluster.start(id) } }
            try await body(cluster)
        } catch {
            failure = error
        }
        for id in cluster.ids { await cluster.kill(id) }
        for proxy in cluster.proxies.values { await proxy.stop() }
        try? FileManager.default.removeItem(atPath: cluster.folder)
        if let failure { throw failure }
    }

    // MARK: Nodes

    func folder(of id: UInt64) -> String { "\(folder)/node-\(id)" }

    func configuration(of id: UInt64) throws -> RaftServerConfiguration {
        var raft = RaftSettings(seed: id)
        raft.maximumProposalBytes = 128 << 10
        let peers = ports.withLock { ports in
            ports.filter { $0.key.from == id }.map {
                (NodeID($0.key.to), PeerAddress(host: "127.0.0.1", port: $0.value))
            }
        }
        var configuration = RaftServerConfiguration(
            clusterID: TestNode.clusterID, node: NodeID(id), folder: folder(of: id),
            bootstrap: Membership(voters: ids.map { NodeID($0) }), peers: Dictionary(uniqueKeysWithValues: peers),
            listen: PeerAddress(host: "127.0.0.1", port: 0),
            tls: usesTLS ? try TestAuthority.cluster.get().node(id) : nil, raft: raft, machineVersionMax: 1,
            softwareVersion: "test")
        configuration.makesFolder = true
        configuration.transport = TestNode.patient
        // A node that is killed waits for nobody.
        configuration.transport.flushTimeout = .milliseconds(100)
        configuration.transport.handshakeTimeout = .seconds(2)
        // Tests of waiting set their own; the others must not fail because the machine is busy.
        configuration.limits.holdMilliseconds = 120_000
        configuration.limits.noQuorumAfterMilliseconds = 120_000
        configuration.log = DurableLog.Limits(
            maximumPayloadBytes: 256 << 10, maximumFrameBytes: 512 << 10, segmentBytes: 1 << 20)
        configure(&configuration)
        return configuration
    }

    @discardableResult
    func start(_ id: UInt64, ledger: Ledger = Ledger(), change: Configure = { _ in }) async throws -> Server {
        let log = LogRecorder()
        var configuration = try configuration(of: id)
        change(&configuration)
        let server = try Server.open(
            configuration, machine: ledger,
            callbacks: RaftServerCallbacks(
                isKnown: { _ in .accepted }, failed: { preconditionFailure("the disk of node \(id) failed: \($0)") }),
            logger: Logger(label: "node-\(id)") { _ in log.handler })
        let address = try await server.start()
        for (pair, proxy) in proxies where pair.to == id { proxy.lead(to: address.port) }
        running.withLock { $0[id] = Running(server: server, ledger: ledger, log: log) }
        return server
    }

    /// Ends a node without a word to anybody.
    func kill(_ id: UInt64) async {
        guard let node = running.withLock({ $0.removeValue(forKey: id) }) else { return }
        for (pair, proxy) in proxies where pair.to == id { proxy.lead(to: nil) }
        node.ledger.gate.open()
        await node.server.close()
    }

    /// Ends a node in order, as on SIGTERM.
    func stop(_ id: UInt64) async {
        guard let node = running.withLock({ $0[id] }) else { return }
        await node.server.stop()
        running.withLock { $0[id] = nil }
        for (pair, proxy) in proxies where pair.to == id { proxy.lead(to: nil) }
    }

    var live: [UInt64] { running.withLock { $0.keys.sorted() } }

    func node(_ id: UInt64, sourceLocation: SourceLocation = #_sourceLocation) throws -> Running {
        try #require(running.withLock { $0[id] }, sourceLocation: sourceLocation)
    }

    func server(_ id: UInt64) throws -> Server { try node(id).server }
    func ledger(_ id: UInt64) throws -> Ledger { try node(id).ledger }

    // MARK: Links

    /// Nothing that one of them sends to the other after the return arrives.
    func cut(_ first: UInt64, _ second: UInt64) async {
        await proxies[Pair(from: first, to: second)]?.cut()
        await proxies[Pair(from: second, to: first)]?.cut()
    }

    func mend(_ first: UInt64, _ second: UInt64) {
        proxies[Pair(from: first, to: second)]?.mend()
        proxies[Pair(from: second, to: first)]?.mend()
    }

    func isolate(_ id: UInt64) async { for other in ids where other != id { await cut(id, other) } }
    func join(_ id: UInt64) { for other in ids where other != id { mend(id, other) } }

    // MARK: What they know

    /// Waits until one of the nodes leads and a majority of all, itself among them, says so.
    func leader(except: UInt64? = nil, sourceLocation: SourceLocation = #_sourceLocation) async throws -> UInt64 {
        var found: UInt64?
        await condition(sourceLocation: sourceLocation) {
            let standings = running.withLock { $0.mapValues { $0.server.status?.standing } }
            for (id, standing) in standings where standing?.role == .leader && id != except {
                let followers = standings.values.filter { $0?.leader == NodeID(id) && $0?.term == standing?.term }
                if followers.count > ids.count / 2 { found = id }
            }
            return found != nil
        }
        return try #require(found, sourceLocation: sourceLocation)
    }

    func followers() async throws -> [UInt64] {
        let leader = try await leader()
        return live.filter { $0 != leader }
    }

    /// Hands leadership to the node, from whoever has it.
    func makeLeader(_ id: UInt64) async throws {
        var leader = try await leader()
        while leader != id {
            _ = try await server(leader).transferLeadership(to: NodeID(id))
            leader = try await self.leader()
        }
    }

    @discardableResult
    func propose(_ value: String, at id: UInt64, machineVersion: UInt32 = 1) async throws -> Ledger.Outcome {
        try await Self.propose(value, at: server(id), machineVersion: machineVersion)
    }

    static func propose(
        _ value: String, at server: Server, machineVersion: UInt32 = 1
    ) async throws(RequestError) -> Ledger.Outcome {
        try await server.propose { session, sequence, floor in
            Ledger.envelope(value, machineVersion: machineVersion, session: session, sequence: sequence, floor: floor)
        }
    }

    /// Every live node comes to have the same list, with each of the accepted values once and at its place.
    func expectAgreement(
        on accepted: [String: Ledger.Outcome], possibly unknown: Set<String> = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let nodes = running.withLock { Array($0.values) }
        await condition(sourceLocation: sourceLocation) {
            let counts = Set(nodes.map { $0.ledger.count })
            let commits = Set(nodes.compactMap { $0.server.status?.commitIndex })
            return counts.count == 1 && commits.count == 1
                && nodes.allSatisfy { $0.server.appliedIndex == commits.first }
        }
        let lists = nodes.map(\.ledger.lines)
        let first = try #require(lists.first, sourceLocation: sourceLocation)
        #expect(lists.allSatisfy { $0 == first }, "the lists differ", sourceLocation: sourceLocation)
        let values = try #require(nodes.first).ledger.wholeValues()
        for node in nodes {
            #expect(try node.ledger.wholeValues() == values, "a payload differs", sourceLocation: sourceLocation)
        }
        #expect(Set(values).count == values.count, "something acted twice", sourceLocation: sourceLocation)
        for (value, outcome) in accepted {
            guard outcome.place < values.count, values[outcome.place] == value else {
                Issue.record("\(value) is not where its outcome said", sourceLocation: sourceLocation)
                return
            }
        }
        let strangers = Set(values).subtracting(accepted.keys).subtracting(unknown)
        #expect(strangers.isEmpty, "nobody was told of these", sourceLocation: sourceLocation)
        for (earlier, later) in zip(first, first.dropFirst()) {
            #expect(earlier.clusterTime <= later.clusterTime, "time went back", sourceLocation: sourceLocation)
        }
    }
}
