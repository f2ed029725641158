import Agents
import ClusterState
import DiskFaults
import Foundation
import Logging
import Postgres
import Raft
import Storage
import SwiftProtobuf
import Synchronization
import Telemetry
import Testing

@testable import Orchestration
@testable import RaftServer

/// A cluster inside the test's process: real logs in a temporary folder, real sockets on loopback, real executors.
///
/// Between each two nodes there is a `PeerWire`, so that a node can die or be cut off without a word.
final class Nodes: Sendable {
    struct Options: Sendable {
        var slots: UInt32 = 4
        var settings = Settings()
        var limits = ClusterLimits()
        var agentLimits = AgentLimits()
        /// Beside the scripted agent.
        var agents: [AgentDeclaration] = []
        var reasoner: (any Reasoner)?
        var executes = true
        /// A PostgreSQL connection string: every node gets a projector.
        var database: String?
        /// Keeps what the nodes log; else `testLogger` does.
        var log: LogLines?
        /// Of the nodes, how many make the cluster; the others can be added to it. Nil for all.
        var founders: Int?
        /// Nodes whose state machine is another than the others'.
        var initialStates: [NodeID: ClusterState] = [:]
        /// Nodes that do no more than an older machine version.
        var machineVersions: [NodeID: UInt32] = [:]
        /// Nodes whose logs lie on disks that can be full.
        var disks: [NodeID: FullDisk] = [:]

        init() {
            // A machine full of tests must not make the living look dead.
            limits.detectionMilliseconds = 3000
            limits.leaveMilliseconds = 500
        }
    }

    let script = Script()
    let options: Options
    let folder: URL
    let members: [Member]
    private let wires: [NodeID: [NodeID: PeerWire]]
    private let taskCount = Mutex(0)

    /// Runs `count` nodes for the time of `body`.
    static func run(
        _ count: Int, options: Options = Options(), _ body: (Nodes) async throws -> Void
    ) async throws {
        let nodes = try await Nodes(count, options)
        let result: Result<Void, any Error>
        do {
            for member in nodes.founders { try await nodes.start(member) }
            try await eventually("every node is a member") {
                nodes.founders.allSatisfy { $0.cluster.status?.unreadyReason == nil && $0.cluster.status != nil }
            }
            result = .success(try await body(nodes))
        } catch {
            result = .failure(error)
        }
        for member in nodes.members { await member.stop() }
        for wire in nodes.wires.values.flatMap(\.values) { try? await wire.become(.cut) }
        try? FileManager.default.removeItem(at: nodes.folder)
        try result.get()
    }

    private init(_ count: Int, _ options: Options) async throws {
        self.options = options
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "amas-orchestration-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("workspace"), withIntermediateDirectories: true)
        let ids = (1...count).map { NodeID(UInt64($0)) }
        members = ids.map { Member(id: $0) }
        var wires: [NodeID: [NodeID: PeerWire]] = [:]
        for from in ids {
            for to in ids where to != from {
                let wire = try PeerWire()
                try await wire.open()
                wires[from, default: [:]][to] = wire
            }
        }
        self.wires = wires
    }

    var founders: [Member] { Array(members.prefix(options.founders ?? members.count)) }

    var workspace: URL { folder.appendingPathComponent("workspace") }

    // MARK: Life and death

    func start(_ member: Member) async throws {
        let configuration = configuration(of: member)
        let options = options
        let logger = options.log.map { log in Logger(label: "") { _ in log.handler } } ?? testLogger("n\(member.id)")
        let cluster = try await whenFree {
            try Cluster(
                configuration,
                hooks: .init(
                    failed: { preconditionFailure("the disk failed: \($0)") }, excluded: { member.exclude($0) },
                    leaving: { Task { member.cluster.withdraw() } }),
                logger: logger,
                initial: options.initialStates[member.id]
                    ?? ClusterState(supporting: configuration.server.machineVersionMax))
        }
        let threads = ToolThreads()
        let runner = StepRunner(
            catalog: AgentCatalog([.codeAnalysis(), script.agent(on: member.id)] + options.agents),
            workspace: try Workspace(roots: [workspace.path]), threads: threads, reasoner: options.reasoner,
            limits: options.agentLimits)
        let executor = Executor(
            cluster: cluster, runner: runner, reporter: ProgressReporter(cluster: cluster),
            counters: ExecutionCounters(registry: MetricsRegistry()), logger: logger)
        let address = try await cluster.start()
        if options.executes { executor.start() }
        var projection: Member.Projection?
        if let database = options.database {
            let pool = PostgresPool(
                configuration: try PostgresConfiguration(connectionString: database), connections: 1, logger: logger)
            let projector = Projector(
                cluster: cluster, projection: TaskProjection(pool: pool, logger: logger),
                prepare: { (version) async throws(StorageError) in
                    try await StorageSchema.migrate(pool, machineVersion: version)
                }, logger: logger)
            projector.start()
            projection = .init(projector: projector, pool: pool)
        }
        member.set(.init(cluster: cluster, executor: executor, threads: threads, projection: projection))
        for other in members where other.id != member.id {
            wires[other.id]?[member.id]?.point(to: address.port)
        }
        try await connect(member, .open)
    }

    /// Makes a node that is down the only voter.
    func recoverQuorum(_ member: Member) async throws -> QuorumRecovery {
        let configuration = configuration(of: member).server
        return try await whenFree { try QuorumRecovery.run(configuration) }
    }

    /// The last run's lock goes with the last of its threads.
    private func whenFree<Value: Sendable>(_ make: @escaping @Sendable () throws -> Value) async throws -> Value {
        for _ in 0..<500 {
            do {
                return try await onThread(make)
            } catch let error as ServerStartError where error.description.contains("in use") {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        return try await onThread(make)
    }

    private func configuration(of member: Member) -> ClusterConfiguration {
        let ids = members.map(\.id)
        var raft = RaftSettings(seed: UInt64.random(in: .min ... .max))
        raft.electionMilliseconds = ids.count == 1 ? 100 : 1000
        raft.electionJitterMilliseconds = raft.electionMilliseconds / 2
        var server = RaftServerConfiguration(
            clusterID: "test", node: member.id, folder: folder.appendingPathComponent("n\(member.id)").path,
            bootstrap: member.joins || !founders.contains { $0.id == member.id }
                ? .empty : Membership(voters: founders.map(\.id)),
            peers: Dictionary(
                uniqueKeysWithValues: ids.map {
                    ($0, PeerAddress(host: "127.0.0.1", port: wires[member.id]?[$0]?.port ?? 0))
                }),
            listen: PeerAddress(host: "127.0.0.1", port: 0), tls: nil, raft: raft,
            machineVersionMax: options.machineVersions[member.id] ?? ClusterState.supportedMachineVersion,
            softwareVersion: "test")
        server.makesFolder = true
        if let disk = options.disks[member.id] { server.lie(on: disk) }
        // Requests must not fail because the machine is busy.
        server.limits.holdMilliseconds = 120_000
        server.limits.noQuorumAfterMilliseconds = 120_000
        var cluster = ClusterConfiguration(
            server: server, name: "n\(member.id)", slots: options.slots, httpAddress: "", settings: options.settings)
        cluster.limits = options.limits
        return cluster
    }

    /// Every wire to and from the node.
    func connect(_ member: Member, _ condition: PeerWire.Condition) async throws {
        for other in members where other.id != member.id {
            try await wires[other.id]?[member.id]?.become(condition)
            try await wires[member.id]?[other.id]?.become(condition)
        }
    }

    /// The node is gone from one moment to the next: nobody hears from it again, and what it did not sync is not.
    func kill(_ member: Member) async throws {
        try await connect(member, .cut)
        await member.stop()
    }

    // MARK: Asking

    /// Running nodes that can reach the others.
    func leader(among candidates: [Member]? = nil) async throws -> Member {
        var leader: Member?
        try await eventually("there is a leader") {
            leader = (candidates ?? members).first {
                $0.isRunning && $0.cluster.status?.isLeader == true && $0.cluster.status?.unreadyReason == nil
            }
            return leader != nil
        }
        return try #require(leader)
    }

    func others(than member: Member) -> [Member] { members.filter { $0.id != member.id } }

    func follower() async throws -> Member {
        let leader = try await leader()
        return try #require(others(than: leader).first { $0.isRunning })
    }

    func member(_ id: NodeID) throws -> Member { try #require(members.first { $0.id == id }) }

    /// A task of scripted steps, each waiting for those it names.
    func submit(
        _ steps: [(name: String, needs: [UInt32])], at member: Member? = nil,
        _ change: (inout TaskSpec) -> Void = { _ in }
    ) async throws -> TaskKey {
        var spec = TaskSpec()
        spec.title = "a task"
        spec.taskType = "scripted"
        spec.autoExecute = true
        spec.createdBy = "tester"
        spec.steps = steps.map { step in
            .with {
                $0.id = step.name
                $0.agent = "scripted"
                $0.needs = step.needs
                $0.parameters = Payload(bytes: Array("{\"name\":\"\(step.name)\"}".utf8))
            }
        }
        change(&spec)
        return try await submit(spec, at: member)
    }

    func submit(_ spec: TaskSpec, at member: Member? = nil) async throws -> TaskKey {
        let id = taskCount.withLock { count in
            count += 1
            return "task-\(count)"
        }
        let outcome = try await (member ?? members[0]).cluster.propose(
            .submitTask(
                .with {
                    $0.taskID = id
                    $0.spec = spec
                }))
        guard case .task(let key, _) = outcome else { throw Refused(outcome: outcome) }
        return key
    }

    struct Refused: Error {
        var outcome: Outcome
    }

    /// Waits until the node sees the task's end.
    @discardableResult
    func end(of key: TaskKey, at member: Member? = nil) async throws -> TaskView {
        let cluster = (member ?? members[0]).cluster
        try await eventually("task \(key.id) ends") { cluster.state.task(key)?.status.isTerminal == true }
        return try #require(cluster.state.task(key))
    }
}

/// One node: down, or in one of its runs.
final class Member: Sendable {
    struct Running: Sendable {
        var cluster: Cluster
        var executor: Executor
        var threads: ToolThreads
        var projection: Projection?
    }

    struct Projection: Sendable {
        var projector: Projector
        var pool: PostgresPool
    }

    let id: NodeID
    private let running = Mutex<Running?>(nil)
    private let exclusion = Mutex<String?>(nil)
    private let isJoining = Mutex(false)

    init(id: NodeID) {
        self.id = id
    }

    func set(_ new: Running) { running.withLock { $0 = new } }
    /// Why the node could never take part again, once it has found that out.
    var exclusionReason: String? { exclusion.withLock { $0 } }
    func exclude(_ reason: String) { exclusion.withLock { $0 = reason } }
    /// Whether it begins with an empty membership, as one that is added.
    var joins: Bool { isJoining.withLock { $0 } }

    /// The node, down, gets a new disk.
    func wipe(in folder: URL) throws {
        precondition(!isRunning, "a disk is changed while the node is down")
        try FileManager.default.removeItem(at: folder.appendingPathComponent("n\(id)"))
        isJoining.withLock { $0 = true }
        exclusion.withLock { $0 = nil }
    }

    var isRunning: Bool { running.withLock { $0 != nil } }
    /// Of a node that is down: a mistake in the test.
    var cluster: Cluster { current.cluster }
    var executor: Executor { current.executor }
    var projector: Projector? { current.projection?.projector }

    private var current: Running {
        guard let running = running.withLock({ $0 }) else { preconditionFailure("node \(id) is down") }
        return running
    }

    /// In order, as when a process is told to end; without links to others, all that anybody sees is that it is gone.
    func stop() async {
        guard let running = running.withLock({ $0 }) else { return }
        await running.executor.stop(patience: .zero)
        await running.projection?.projector.stop()
        await running.cluster.stop()
        await running.projection?.pool.close()
        running.threads.shutDown()
        self.running.withLock { $0 = nil }
    }
}

extension TaskView {
    /// What people read about why it failed.
    var failureText: String { record.failure.message }
}

extension ClusterState {
    /// To be made narrower by a test.
    static var strictLimits: StateLimits { .version1 }
}

extension Nodes {
    /// Hands leadership to the node.
    func makeLeader(_ member: Member) async throws {
        try await eventually("node \(member.id) leads") {
            if member.cluster.status?.isLeader == true { return true }
            if let leader = members.first(where: { $0.isRunning && $0.cluster.status?.isLeader == true }) {
                _ = await leader.cluster.server.transferLeadership(to: member.id)
            }
            return member.cluster.status?.isLeader == true
        }
    }
}

extension Member {
    /// As a node must that was taken out of the cluster's work.
    func refusesProposals() async -> Bool {
        do {
            _ = try await cluster.propose(.timersDue(.init()))
            return false
        } catch {
            guard case .stopped = error else { return false }
            return true
        }
    }
}
