import CPlatform
import Glibc
public import Logging
public import NIOCore
import NIOPosix
public import Raft
import Synchronization

/// The links between the members of a cluster: framed messages over TCP with mutual TLS.
///
/// **Shape.** Every node dials every other node and sends on the connection that it dialled; it receives on those that
/// it accepted. So each ordered pair of nodes has one connection, and there is no tie to break when two nodes dial each
/// other. It also gives each node its own answer to the question that a fast failover asks (`design/raft.md` §4.4):
/// when a peer's process dies, the kernel closes both connections at once, *both* nodes dial again at once, and each
/// one learns for itself whether the dial is refused (the process is dead) or not answered (unknown). A peer that dials
/// us without being one of the peers that we dial is answered on its own connection.
///
/// **Life of a connection.** TCP, TLS 1.3 with certificates of the cluster's authority on both sides, then a hello each
/// way (`Hello`), judged by `HandshakePolicy`: protocol, cluster, node, certificate, incarnation, boot. What does not
/// fit is refused with a reason that both sides log. Then frames (`FrameHeader`). Pings measure the round trip and find
/// a half-open connection; silence ends it.
///
/// **What it promises.** Frames of one link arrive whole, once and in the order of `send` while the link stands. When
/// it goes down, what was queued may be lost: Raft sends again. Nothing here blocks, and everything that waits has a
/// limit (`Limits`).
///
/// A user that cannot keep up is not drowned: what it says it holds is counted for each peer, and at a limit the peer is
/// not read from until it has been released.
///
/// **Threads.** One event loop of its own carries all links: a few peers do not need a second one, and all state is
/// confined to it. `send`, `setPeers` and `links` may be called from any thread.
///
/// Where to read on: `LinkTable` owns the links, `PeerConnection` is one socket, `OutboundQueue` is where `send` meets
/// the loop; `DialSchedule`, `HandshakePolicy` and `FrameDecoder` decide and do no I/O.
public final class PeerTransport: Sendable {
    /// Frame protocols that this release speaks.
    public static let protocolVersions: ClosedRange<UInt16> = 1...1
    private static let listenBacklog: CInt = 128

    private struct Running: Sendable {
        var group: MultiThreadedEventLoopGroup
        var table: NIOLoopBound<LinkTable>
        var certificateWatch: Task<Void, Never>?
        var server: any Channel
        var bound: PeerAddress
        var loop: any EventLoop { table.eventLoop }
    }

    private enum Phase: Sendable {
        case idle
        case starting
        case running(Running)
        case stopped
    }

    private struct State: Sendable {
        var phase = Phase.idle
        var peers: [NodeID: PeerAddress] = [:]
        var security: TransportSecurity?
    }

    let configuration: Configuration
    private let identity: Identity
    private let tls: TLSFiles?
    private let callbacks: Callbacks
    let logger: Logger
    private let directory = LinkDirectory()
    private let state = Mutex(State())

    /// What the running transport uses; nil before the start and without TLS.
    var security: TransportSecurity? { state.withLock { $0.security } }

    /// - Parameter tls: nil for plaintext links whose frames carry a checksum. Anybody who reaches the port is then
    ///   believed, so this is for tests and benchmarks on one machine.
    public init(configuration: Configuration, identity: Identity, tls: TLSFiles?, callbacks: Callbacks, logger: Logger)
    {
        self.configuration = configuration
        self.identity = identity
        self.tls = tls
        self.callbacks = callbacks
        self.logger = logger
    }

    // MARK: Frames

    /// Queues a frame; it leaves in the loop's next pass, together with all that is queued until then. Any thread;
    /// never blocks.
    @discardableResult
    public func send(
        _ payload: [UInt8], kind: FrameKind, to node: NodeID, priority: Priority = .ordinary
    ) -> SendOutcome {
        precondition(kind.isApplication, "the transport's own kinds are not sent by its user")
        return directory[node]?.outbound.send(payload, kind: kind, priority: priority) ?? .linkDown
    }

    /// As above. A large payload is written from where it lies, so it must not be changed in place meanwhile;
    /// `ByteBuffer`'s copy on write takes care of that.
    @discardableResult
    public func send(
        _ payload: ByteBuffer, kind: FrameKind, to node: NodeID, priority: Priority = .ordinary
    ) -> SendOutcome {
        precondition(kind.isApplication, "the transport's own kinds are not sent by its user")
        return directory[node]?.outbound.send(payload, kind: kind, priority: priority) ?? .linkDown
    }

    /// A frame with so many bytes of payload, or several together, that were `held` are not any more. Any thread.
    public func release(_ bytes: Int, of node: NodeID) {
        directory.inbound(of: node)?.release(bytes)
    }

    /// All links, ordered by node. Any thread.
    public var links: [LinkStatus] {
        let now = NIODeadline.now()
        return directory.all.map { $0.snapshot(at: now) }.sorted { $0.node < $1.node }
    }

    /// Calls `answer` on the transport's thread, behind what waits there; never, unless it runs.
    func ping(_ answer: @escaping @Sendable () -> Void) {
        state.withLock { state in
            // Inside the lock, so that nothing is given to a thread that has ended.
            if case .running(let running) = state.phase { running.loop.execute(answer) }
        }
    }

    // MARK: Peers

    /// The whole set of peers to dial, at any time. This node's own id is ignored. A peer that is no longer named is
    /// closed and reported as `removed`; one with a new address keeps a link that stands and is dialled there the next
    /// time.
    public func setPeers(_ peers: [NodeID: PeerAddress]) {
        state.withLock { state in
            state.peers = peers
            // Inside the lock, so that the loop sees the sets in the order of the calls.
            if case .running(let running) = state.phase {
                running.loop.execute { running.table.value.setPeers(peers) }
            }
        }
    }

    // MARK: Life

    /// Reads the certificates, listens, begins to dial. A transport starts once.
    /// - Returns: the address that was bound.
    public func start() async throws(PeerTransportError) -> PeerAddress {
        try takeStart()
        do throws(PeerTransportError) {
            return try await listen(with: try await loadSecurity())
        } catch {
            state.withLock { $0.phase = .stopped }
            throw error
        }
    }

    private func takeStart() throws(PeerTransportError) {
        let error: PeerTransportError? = state.withLock { state in
            switch state.phase {
            case .idle:
                state.phase = .starting
                return nil
            case .starting, .running: return .alreadyStarted
            case .stopped: return .stopped
            }
        }
        if let error { throw error }
    }

    private func loadSecurity() async throws(PeerTransportError) -> TransportSecurity? {
        guard let tls else { return nil }
        let security = try await offLoop { () throws(PeerTransportError) in try TransportSecurity(files: tls) }
        state.withLock { $0.security = security }
        return security
    }

    private func listen(with security: TransportSecurity?) async throws(PeerTransportError) -> PeerAddress {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let loop = group.next()
            loop.execute { amas_thread_set_name("amas-peers") }
            var running = try await bind(on: group, loop, security).get()
            running.certificateWatch = security.map(watchCertificates)
            try await begin(running)
            return running.bound
        } catch {
            try? await group.shutdownGracefully()
            if let error = error as? PeerTransportError { throw error }
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
            throw .cannotListen(configuration.listen, reason: reason)
        }
    }

    /// Hands the peers over, unless `stop` was called meanwhile.
    private func begin(_ running: Running) async throws(PeerTransportError) {
        let isWanted = state.withLock { state in
            guard case .starting = state.phase else { return false }
            state.phase = .running(running)
            let peers = state.peers
            running.loop.execute { running.table.value.setPeers(peers) }
            return true
        }
        guard isWanted else {
            await shutDown(running)
            throw .stopped
        }
    }

    /// Accepting begins only when the table is there: the hello needs the bound address, the first connection the
    /// table.
    private func bind(
        on group: MultiThreadedEventLoopGroup, _ loop: any EventLoop, _ security: TransportSecurity?
    ) -> EventLoopFuture<Running> {
        let box = NIOLoopBoundBox.makeEmptyBox(valueType: LinkTable.self, eventLoop: loop)
        let plain = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: Self.listenBacklog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try SocketOptions.closeOnExec(channel) }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try box.value?.prepare(channel, side: .accepted) }
            }
        let bootstrap = SocketOptions.apply(configuration.limits, to: plain)
        let listen = configuration.listen
        let bound =
            listen.literal.map { bootstrap.bind(to: $0) } ?? bootstrap.bind(host: listen.host, port: listen.port)
        return bound.flatMapThrowing { server in
            let address = PeerAddress(host: listen.host, port: server.localAddress?.port ?? listen.port)
            let table = try self.makeTable(on: loop, bound: address, security)
            box.value = table
            self.startTicking(table)
            try server.syncOptions?.setOption(.autoRead, value: true)
            return Running(
                group: group, table: NIOLoopBound(table, eventLoop: loop), server: server, bound: address)
        }
    }

    private func makeTable(
        on loop: any EventLoop, bound: PeerAddress, _ security: TransportSecurity?
    ) throws(PeerTransportError) -> LinkTable {
        let hello = Hello(
            protocolVersions: Self.protocolVersions, clusterID: identity.clusterID, node: identity.node,
            incarnation: identity.incarnation, boot: identity.boot, machineVersionMax: identity.machineVersionMax,
            softwareVersion: identity.softwareVersion, address: configuration.advertised ?? bound)
        let texts = hello.clusterID.utf8.count + hello.softwareVersion.utf8.count + hello.address.host.utf8.count
        // Half of the limit leaves room for the fixed fields and for those of later releases.
        guard texts <= configuration.limits.maximumHelloBytes / 2, !hello.clusterID.isEmpty, hello.node != NodeID(0)
        else {
            throw .invalidIdentity(reason: "no hello can carry \(hello)")
        }
        return LinkTable(
            loop: loop, limits: configuration.limits, callbacks: callbacks, hello: hello, security: security,
            directory: directory, logger: logger)
    }

    private func startTicking(_ table: LinkTable) {
        let interval = configuration.limits.pingInterval
        let bound = NIOLoopBound(table, eventLoop: table.loop)
        table.loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { task in
            bound.value.isStopping ? task.cancel() : bound.value.tick()
        }
    }

    /// Stops accepting and dialling, lets queued frames leave (up to `Limits.flushTimeout`), closes all links, ends the
    /// thread. No callback comes after the return, and no `link` event once it was called. A second call returns at
    /// once.
    public func stop() async {
        let running: Running? = state.withLock { state in
            switch state.phase {
            case .idle, .starting:
                state.phase = .stopped
                return nil
            case .running(let running):
                state.phase = .stopped
                return running
            case .stopped:
                return nil
            }
        }
        if let running { await shutDown(running) }
    }

    private func shutDown(_ running: Running) async {
        running.certificateWatch?.cancel()
        running.server.close(promise: nil)
        try? await running.loop.flatSubmit { running.table.value.stop() }.get()
        try? await running.loop.submit { running.table.value.clear() }.get()
        try? await running.group.shutdownGracefully()
        await running.certificateWatch?.value
    }
}
