import API
import Agents
import ClusterState
import Egress
import FoundationEssentials
import Glibc
import Logging
import NIOCore
import Orchestration
import Postgres
import Providers
import Raft
import RaftServer
import Storage
import Telemetry

/// One running node: every room made from the configuration, joined, and taken down in order.
struct RunningNode {
    private let configuration: NodeConfiguration
    private let logger: Logger
    private let output: LogOutput
    private let cluster: Cluster
    private let executor: Executor
    private let projector: Projector?
    private let pools: [PostgresPool]
    private let server: APIServer
    private let threads: ToolThreads
    private let egress: EgressClient

    /// Runs until the process is told to end. Throws if it cannot start.
    static func run(_ configuration: NodeConfiguration) async throws(CommandFailure) {
        let signals = ProcessSignals()
        let withdraw = signals.continuation
        let node = try await make(configuration, leaving: { withdraw.yield(.withdraw) })
        try await node.start()
        var steps = Departure.Step.allCases[...]
        for await request in signals.requests {
            switch request {
            case .reload: await node.reload()
            case .withdraw:
                node.logger.notice("the cluster goes on without this node: ending tasks and clients")
                await node.depart(Departure.withdrawal)
                node.cluster.withdraw()
                steps = steps.dropFirst(Departure.withdrawal.count)
            case .end: return await node.stop(steps)
            }
        }
    }

    private static func make(
        _ configuration: NodeConfiguration, leaving: @escaping @Sendable () -> Void
    ) async throws(CommandFailure) -> RunningNode {
        let registry = MetricsRegistry()
        let output = LogOutput(
            source: LogSource(
                instance: configuration.name, version: Version.number, clusterID: configuration.clusterID,
                node: configuration.node.rawValue), format: configuration.logFormat == "text" ? .text : .json,
            level: Logger.Level(rawValue: configuration.logLevel) ?? .info, registry: registry,
            clock: { WallTime.system() }, redact: { $0 }, sink: .standardError)
        let standing = LoggedStanding()
        LoggingSystem.bootstrap(
            output.makeHandler, metadataProvider: .multiplex([LogContext.metadataProvider, standing.metadataProvider]))
        let logger = Logger(label: "amas")
        ProcessMetrics.register(in: registry)
        BuildInfo(version: Version.number).register(in: registry)
        let metrics = NodeMetrics(registry: registry)

        let cluster = try await openCluster(
            configuration, metrics: metrics, standing: standing, output: output, logger: logger, leaving: leaving)
        metrics.register(cluster)

        let workspace = try attempt { try Workspace(roots: configuration.workspaceRoots) }
        let threads = ToolThreads(threads: configuration.toolThreads)
        let egress = EgressClient(policy: policy(configuration), logger: logger)
        let chain = ProviderChain(configuration.providers, client: egress, logger: logger)
        let runner = StepRunner(
            catalog: .builtIn(), workspace: workspace, threads: threads,
            reasoner: configuration.providers.isEmpty ? nil : ProviderReasoner(chain: chain))
        let executor = Executor(
            cluster: cluster, runner: runner, reporter: ProgressReporter(cluster: cluster),
            counters: ExecutionCounters(registry: registry), logger: logger)

        let stores = try store(configuration, cluster: cluster, registry: registry, logger: logger)
        let server = try api(
            configuration, cluster: cluster, stores: stores, workspace: workspace, registry: registry,
            executor: executor,
            logger: logger)
        return RunningNode(
            configuration: configuration, logger: logger, output: output, cluster: cluster, executor: executor,
            projector: stores?.projector, pools: stores?.pools ?? [], server: server, threads: threads, egress: egress)
    }

    private static func attempt<Value>(_ body: () throws -> Value) throws(CommandFailure) -> Value {
        do {
            return try body()
        } catch {
            throw CommandFailure(code: .failed, message: "\(error)")
        }
    }

    // MARK: Rooms

    /// Recovery reads the whole log: on a thread of its own, not on the concurrency pool.
    private static func openCluster(
        _ configuration: NodeConfiguration, metrics: NodeMetrics, standing: LoggedStanding, output: LogOutput,
        logger: Logger, leaving: @escaping @Sendable () -> Void
    ) async throws(CommandFailure) -> Cluster {
        let settings = clusterConfiguration(configuration)
        let hooks = Cluster.Hooks(
            failed: { reason in
                logger.critical(
                    "the disk has failed; ending, because nothing could be kept", metadata: ["reason": "\(reason)"])
                _ = output.flush()
                // Not `exit`: other threads still use what its handlers take down.
                _exit(74)
            },
            excluded: { reason in
                // Ends as a folder does that is missing or another's: whoever starts it sees that it cannot stay up, and why.
                logger.critical(
                    "ending, because this node can never take part again", metadata: ["reason": "\(reason)"])
                _ = output.flush()
                _exit(FailureCode.failed.rawValue)
            },
            leaving: leaving,
            standingChanged: {
                standing.changed($0)
                metrics.requests.standingChanged($0)
            },
            snapshot: { metrics.snapshots.with($0.rawValue, $1 ? "ok" : "failed").increment() },
            logSynced: { metrics.logSync.observe(.microseconds($0)) },
            applied: { metrics.apply.observe(.microseconds($1)) }, answered: metrics.requests.answered)
        let result: Result<Cluster, ServerStartError> = await withCheckedContinuation { continuation in
            BlockingWork.run {
                do throws(ServerStartError) {
                    continuation.resume(returning: .success(try Cluster(settings, hooks: hooks, logger: logger)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        switch result {
        case .success(let cluster): return cluster
        case .failure(let error): throw CommandFailure(code: .failed, message: error.description)
        }
    }

    static func serverConfiguration(_ configuration: NodeConfiguration) -> RaftServerConfiguration {
        var raft = RaftTimers.settings
        raft.heartbeatMilliseconds = configuration.heartbeatMilliseconds
        raft.electionMilliseconds = configuration.electionMilliseconds
        raft.electionJitterMilliseconds = configuration.electionMilliseconds / 2
        raft.priority = configuration.priority
        var server = RaftServerConfiguration(
            clusterID: configuration.clusterID, node: configuration.node, folder: configuration.dataFolder,
            bootstrap: configuration.joins ? .empty : Membership(voters: configuration.members.map(\.id)),
            peers: Dictionary(uniqueKeysWithValues: configuration.members.map { ($0.id, $0.peer) }),
            listen: configuration.peerListen,
            tls: configuration.peerTLS.map {
                .init(certificate: $0.certificate, privateKey: $0.privateKey, authorities: $0.authorities)
            },
            raft: raft, machineVersionMax: configuration.machineVersion, softwareVersion: Version.number)
        server.realtimePriority = configuration.realtimePriority
        server.limits.outstandingProposalBytes = configuration.outstandingBytes
        server.limits.snapshotBytesPerSecond = configuration.snapshotBytesPerSecond
        return server
    }

    private static func clusterConfiguration(_ configuration: NodeConfiguration) -> ClusterConfiguration {
        var cluster = ClusterConfiguration(
            server: serverConfiguration(configuration), name: configuration.name,
            slots: UInt32(configuration.executorSlots),
            httpAddress: "\(configuration.httpListen)", settings: configuration.settings)
        cluster.memberNames = Dictionary(uniqueKeysWithValues: configuration.members.map { ($0.id, $0.name) })
        return cluster
    }

    private static func policy(_ configuration: NodeConfiguration) -> EgressPolicy {
        var policy = EgressPolicy()
        policy.operatorEndpoints = Set(configuration.providers.map(\.endpoint))
        policy.allowPrivate = configuration.allowPrivateRanges.compactMap { IPRange($0) }
        return policy
    }

    private struct Stores {
        var projector: Projector
        var pools: [PostgresPool]
        var queries: TaskQueries
    }

    private static func store(
        _ configuration: NodeConfiguration, cluster: Cluster, registry: MetricsRegistry, logger: Logger
    ) throws(CommandFailure) -> Stores? {
        guard let url = configuration.postgres else { return nil }
        let postgres = try attempt { try PostgresConfiguration(connectionString: url) }
        let metrics = DatabaseMetrics(registry: registry)
        let reading = PostgresPool(
            configuration: postgres, connections: configuration.postgresConnections, logger: logger, observer: metrics)
        let writing = PostgresPool(configuration: postgres, connections: 1, logger: logger, observer: metrics)
        metrics.register([("queries", reading), ("projection", writing)])
        let projector = Projector(
            cluster: cluster, projection: TaskProjection(pool: writing, logger: logger),
            prepare: { (version) async throws(StorageError) in
                try await StorageSchema.migrate(writing, machineVersion: version)
            }, logger: logger)
        return Stores(projector: projector, pools: [reading, writing], queries: TaskQueries(pool: reading))
    }

    private static func api(
        _ configuration: NodeConfiguration, cluster: Cluster, stores: Stores?, workspace: Workspace,
        registry: MetricsRegistry, executor: Executor, logger: Logger
    ) throws(CommandFailure) -> APIServer {
        let path = configuration.apiKeyFile
        guard let key = try? String(contentsOfFile: path, encoding: .utf8).trimmed, !key.isEmpty else {
            throw CommandFailure(code: .usage, message: "http.api_key_file: cannot read a key from \(path)")
        }
        let services = APIServices(
            cluster: cluster, store: stores?.queries, access: APIKeyAccess(key: key), catalog: .builtIn(),
            workspace: workspace, registry: registry,
            components: {
                NodeHealth.components(
                    cluster: cluster, projector: stores?.projector, pools: stores?.pools ?? [], executor: executor)
            },
            clock: { WallTime.system() })
        return APIServer(
            APIConfiguration(
                host: configuration.httpListen.host, port: configuration.httpListen.port, version: Version.number),
            services, logger: logger)
    }

    // MARK: Life

    private func start() async throws(CommandFailure) {
        do {
            try await cluster.start()
            try await server.start()
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode))
            throw CommandFailure(code: .failed, message: "cannot listen on \(configuration.httpListen): \(reason)")
        } catch {
            throw CommandFailure(code: .failed, message: "\(error)")
        }
        // Last: a node that does not serve should not have begun anybody's task.
        executor.start()
        projector?.start()
        logger.notice(
            "serving",
            metadata: [
                "http": "\(configuration.httpListen)", "peer": "\(configuration.peerListen)",
                "boot": "\(cluster.identity.boot)",
            ])
    }

    /// What can be read anew without a restart.
    private func reload() async {
        guard configuration.peerTLS != nil else {
            return logger.notice("nothing to reload: the links have no certificates, and other settings need a restart")
        }
        // A failure is in the log already, with its reason.
        guard await cluster.reloadCertificates() else { return }
        logger.notice("reloaded the certificates of the links; other settings need a restart")
    }

    private var departure: Departure { Departure(balancerWait: .milliseconds(configuration.balancerMilliseconds)) }

    private func stop(_ steps: ArraySlice<Departure.Step>) async {
        logger.notice(
            "stopping", metadata: ["longest_seconds": .stringConvertible(departure.longest.components.seconds)])
        await depart(steps)
        logger.notice("stopped")
        _ = output.shutdown()
    }

    private func depart(_ steps: ArraySlice<Departure.Step>) async {
        for step in steps {
            let start = ContinuousClock.now
            let isDone = await Patience.wait(departure.patience(of: step)) { await perform(step) }
            let metadata: Logger.Metadata = [
                "step": "\(step.rawValue)",
                "duration_ms": .stringConvertible(Int((ContinuousClock.now - start) / .milliseconds(1))),
            ]
            if isDone {
                logger.info("stopping: done", metadata: metadata)
            } else {
                logger.warning("stopping: took too long, going on", metadata: metadata)
            }
        }
    }

    private func perform(_ step: Departure.Step) async {
        switch step {
        case .awaitBalancer:
            server.leave()
            cluster.drain()
            try? await Task.sleep(for: departure.balancerWait)
        case .handOverLeadership:
            guard await !cluster.handOverLeadership() else { return }
            logger.info("nobody has taken over leadership")
        case .finishTasks: await executor.stop(patience: departure.patience(of: step) - .seconds(1))
        case .closeClients: await server.stop()
        case .stopProjector: await projector?.stop()
        case .leaveCluster: await cluster.stop()
        case .closeStores:
            for pool in pools { await pool.close() }
            await egress.shutdown()
            threads.shutDown()
        }
    }
}
