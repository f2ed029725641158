public import Agents
import HTTPTypes
import HummingbirdCore
public import Logging
import NIOCore
import NIOPosix
import RaftServer
import ServiceLifecycle
import Synchronization
public import Telemetry

/// Where and how the server listens.
public struct APIConfiguration: Sendable {
    public var host: String
    /// 0: a free port; `APIServer.port` tells which.
    public var port: Int
    /// Sends `X-Amas-Node` with every answer.
    public var showsNode = false
    /// Web origins that may call from a browser, such as `https://ops.example.org`.
    public var allowedOrigins: [String] = []
    /// Threads that speak HTTP; handlers run on Swift's own.
    public var eventLoops = 2
    public var version: String
    public var limits = APILimits()

    public init(host: String, port: Int, version: String) {
        self.host = host
        self.port = port
        self.version = version
    }
}

/// What the API serves from.
public struct APIServices: Sendable {
    public var cluster: any ClusterService
    /// Nil: the node runs without PostgreSQL.
    public var store: (any TaskStore)?
    public var access: any AccessPolicy
    public var catalog: AgentCatalog
    public var workspace: Workspace
    public var registry: MetricsRegistry
    /// Components for `/api/v1/health` beside the cluster. Must not wait.
    public var components: @Sendable () -> [ComponentHealth]
    public var clock: @Sendable () -> WallTime

    public init(
        cluster: any ClusterService, store: (any TaskStore)?, access: any AccessPolicy, catalog: AgentCatalog,
        workspace: Workspace, registry: MetricsRegistry,
        components: @escaping @Sendable () -> [ComponentHealth] = { [] },
        clock: @escaping @Sendable () -> WallTime = { WallTime.system() }
    ) {
        self.cluster = cluster
        self.store = store
        self.access = access
        self.catalog = catalog
        self.workspace = workspace
        self.registry = registry
        self.components = components
        self.clock = clock
    }
}

/// The HTTP and WebSocket server of a node: `start`, then at the end `leave`, `drain` and `stop`, in this order.
public final class APIServer: Sendable {
    private let configuration: APIConfiguration
    private let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let condition = ServerCondition()
    private let metrics: APIMetrics
    private let waits = Waits()
    private let hub: Hub
    private let responder: Responder
    private let socketGate: SocketGate
    private let running = Mutex(Running())

    private struct Running {
        var group: ServiceGroup?
        var task: Task<Void, any Error>?
        var port: Int?
    }

    public init(_ configuration: APIConfiguration, _ services: APIServices, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        let limits = configuration.limits
        let metrics = APIMetrics(registry: services.registry)
        let progress = ProgressBoard(limit: limits.progressTasks)
        let origins = CrossOrigin(allowed: configuration.allowedOrigins)
        let gate = SocketGate(
            access: services.access, origins: origins, cluster: services.cluster, condition: condition, limits: limits)
        group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoops)
        hub = Hub(
            services.cluster, progress: progress, metrics: metrics, limits: limits, clock: services.clock, group: group,
            logger: logger)
        let handlers = Handlers(
            cluster: services.cluster, store: services.store, catalog: services.catalog, workspace: services.workspace,
            components: services.components, registry: services.registry, limits: limits, metrics: metrics,
            condition: condition, progress: progress, waits: waits, sockets: gate, version: configuration.version,
            clock: services.clock, logger: logger)
        let routes = OpenAPI.completed(handlers.routes(), version: configuration.version)
        responder = Responder(
            table: RouteTable(routes), access: services.access, limits: limits, metrics: metrics, origins: origins,
            condition: condition,
            nodeName: configuration.showsNode ? services.cluster.name(of: services.cluster.identity.node) : nil,
            clock: services.clock, logger: logger)
        self.metrics = metrics
        socketGate = gate
    }

    /// The port that the server listens on; nil before `start` has returned.
    public var port: Int? { running.withLock { $0.port } }

    /// Binds and serves. Returns once connections are accepted.
    /// - Throws: what the bind gave; then nothing runs.
    public func start() async throws {
        hub.start()
        let bound = AsyncThrowingStream<Int, any Error>.makeStream()
        let service = try builder.buildServer(
            configuration: ServerConfiguration(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil,
                backlog: configuration.limits.backlog,
                availableConnectionsDelegate: .maximum(configuration.limits.connections, logger: logger)),
            eventLoopGroup: group, logger: logger,
            responder: { [responder] request, writer, channel in
                try await responder.respond(request, writer, channel)
            },
            onServerRunning: { channel in
                // Before the first connection is accepted, and before anybody is told that there is a server.
                try? await channel.eventLoop.submit { try CloseOnExec.set(channel) }.get()
                bound.continuation.yield(channel.localAddress?.port ?? 0)
                bound.continuation.finish()
            })
        let services = ServiceGroup(configuration: .init(services: [.init(service: service)], logger: logger))
        let task = Task {
            do {
                try await services.run()
                bound.continuation.finish(throwing: CancellationError())
            } catch {
                bound.continuation.finish(throwing: error)
                throw error
            }
        }
        var iterator = bound.stream.makeAsyncIterator()
        guard let port = try await iterator.next() else { throw CancellationError() }
        running.withLock { $0 = Running(group: services, task: task, port: port) }
    }

    private var builder: HTTPServerBuilder {
        let limits = configuration.limits
        let (gate, hub) = (socketGate, hub)
        return .http1(
            configuration: .init(
                additionalChannelHandlers: [
                    CloseOnExec(), RequestGuard(limits: limits), WebSocketUpgrade(gate: gate, hub: hub, limits: limits),
                ],
                idleTimeout: .seconds(limits.idleSeconds),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.headerBytes, maxHeaderListSize: limits.headerBytes,
                    maxHeaderFieldCount: limits.headerFields)))
    }

    /// Asks balancers to send nobody here: not ready from now on, and every answer closes its connection. Requests and
    /// WebSockets are taken as before, because those that still come have nowhere else to go.
    public func leave() {
        guard condition.beginLeaving() else { return }
        metrics.draining.set(1)
    }

    /// Takes the node out of service: waits end, WebSockets are told and closed over `drainSpreadMilliseconds`. Returns
    /// when the last is closed. New requests are still answered.
    public func drain() async {
        leave()
        guard condition.beginDraining() else { return }
        waits.close()
        await hub.drain()
    }

    /// Ends the requests under way (each has its own bound), closes all connections, and frees the threads.
    public func stop() async {
        await drain()
        let running = running.withLock { $0 }
        await running.group?.triggerGracefulShutdown()
        do {
            try await running.task?.value
        } catch {
            logger.warning("the HTTP server ended with an error", metadata: ["error": "\(error)"])
        }
        hub.stop()
        do {
            try await group.shutdownGracefully()
        } catch {
            logger.warning("the HTTP threads did not end", metadata: ["error": "\(error)"])
        }
    }
}
