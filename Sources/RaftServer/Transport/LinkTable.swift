import Logging
import NIOCore
import NIOSSL
import Raft
import Synchronization

/// Finds the shared part of a link from any thread.
final class LinkDirectory: Sendable {
    private let links = Mutex<[NodeID: SharedLink]>([:])
    /// Of every peer whose frames somebody may hold, also of one that is not to be sent to.
    private let windows = Mutex<[NodeID: InboundWindow]>([:])

    subscript(node: NodeID) -> SharedLink? { links.withLock { $0[node] } }
    var all: [SharedLink] { links.withLock { Array($0.values) } }
    func set(_ link: SharedLink?, for node: NodeID) { links.withLock { $0[node] = link } }
    func inbound(of node: NodeID) -> InboundWindow? { windows.withLock { $0[node] } }
    func setInbound(_ window: InboundWindow?, of node: NodeID) { windows.withLock { $0[node] = window } }

    func removeAll() {
        links.withLock { $0.removeAll() }
        windows.withLock { $0.removeAll() }
    }
}

/// All links and connections of a transport; confined to its event loop.
///
/// Its aspects are in files of their own: `+Dialling` our connections, `+Accepting` theirs, `+Watching` time.
final class LinkTable {
    let loop: any EventLoop
    let limits: PeerTransport.Limits
    let callbacks: PeerTransport.Callbacks
    let policy: HandshakePolicy
    let security: TransportSecurity?
    let directory: LinkDirectory
    let logger: Logger
    var links: [NodeID: Link] = [:]
    /// Every connection between its TCP handshake and its end.
    var connections: [ObjectIdentifier: PeerConnection] = [:]
    /// Accepted connections before their hello.
    var greetings = 0
    var complaints: ComplaintFilter
    var lastTick: NIODeadline = .now()
    private(set) var isStopping = false
    private let stopped: EventLoopPromise<Void>
    private var generator = SystemRandomNumberGenerator()

    init(
        loop: any EventLoop, limits: PeerTransport.Limits, callbacks: PeerTransport.Callbacks, hello: Hello,
        security: TransportSecurity?, directory: LinkDirectory, logger: Logger
    ) {
        self.loop = loop
        self.limits = limits
        self.callbacks = callbacks
        policy = HandshakePolicy(own: hello, isKnown: callbacks.isKnown)
        self.security = security
        self.directory = directory
        self.logger = logger
        complaints = ComplaintFilter(limits: limits)
        stopped = loop.makePromise()
    }

    /// The encoded hello of this node, as of now.
    var ownHello: ByteBuffer {
        var hello = policy.own
        hello.recognizedAt = callbacks.recognizedAt()
        return hello.encoded()
    }

    /// Fills the pipeline of a new connection.
    func prepare(_ channel: any Channel, side: PeerConnection.Side) throws {
        try SocketOptions.closeOnExec(channel)
        let pipeline = channel.pipeline.syncOperations
        if let security {
            let context = security.current.context
            switch side {
            case .dialled: try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
            case .accepted: try pipeline.addHandler(NIOSSLServerHandler(context: context))
            }
        }
        try pipeline.addHandler(PeerConnection(side: side, owner: self, usesTLS: security != nil))
    }

    /// The link to `node`, made if there is none.
    func link(to node: NodeID) -> Link {
        if let link = links[node] { return link }
        let table = NIOLoopBound(self, eventLoop: loop)
        let wake: @Sendable () -> Void = { table.eventLoop.execute { table.value.drain(node) } }
        let outbound = OutboundQueue(limits: limits, withChecksum: security == nil, wake: wake)
        let inbound = InboundWindow(limitBytes: limits.inboundBytes) {
            table.eventLoop.execute { table.value.resumeReading(node) }
        }
        let link = Link(
            node: node, limits: limits, shared: SharedLink(node: node, outbound: outbound), inbound: inbound)
        links[node] = link
        directory.setInbound(inbound, of: node)
        return link
    }

    func remove(_ link: Link) {
        links[link.node] = nil
        directory.set(nil, for: link.node)
        directory.setInbound(nil, of: link.node)
    }

    func drain(_ node: NodeID, always: Bool = false) {
        guard let link = links[node], let path = link.path else { return }
        let ready = callbacks.bulkReady
        path.drain(link.shared.outbound, always: always) { ready(node) }
    }

    /// Hands a frame to the user. It counts as held before the user has it, because the user may release it at once, on another
    /// thread. At the limit reading stops on this connection; on the other one of the link with its next frame.
    func deliver(_ frame: Frame, from hello: Hello, over connection: PeerConnection) {
        let inbound = links[hello.node]?.inbound
        let bytes = frame.payload.readableBytes
        let mayReadOn = inbound?.hold(bytes) ?? true
        switch callbacks.frame(hello.node, hello.boot, frame.kind, frame.payload) {
        case .done: inbound?.release(bytes)
        case .held: if !mayReadOn { connection.setReading(false) }
        }
    }

    private func resumeReading(_ node: NodeID) {
        guard let link = links[node], link.inbound.isOpen else { return }
        link.dialled?.setReading(true)
        link.accepted?.setReading(true)
    }

    func perform(_ step: DialSchedule.Step, for link: Link) {
        guard !isStopping else { return }
        switch step {
        case .none:
            break
        case .dial(let ticket):
            dial(link, ticket)
        case .wait(let delay, let ticket):
            loop.assumeIsolated().scheduleTask(in: delay) {
                self.perform(link.schedule.waited(ticket), for: link)
            }
        }
    }

    func scheduleAfterFailure(_ link: Link, _ ticket: DialSchedule.Ticket) {
        perform(link.schedule.failed(ticket, using: &generator), for: link)
    }

    func scheduleAfterClose(_ link: Link) {
        perform(link.schedule.closed(at: .now(), using: &generator), for: link)
    }

    // MARK: What every connection says

    func connectionOpened(_ connection: PeerConnection) {
        connections[ObjectIdentifier(connection)] = connection
        switch connection.side {
        // `dialled(_:_:_:)` begins it: of the several addresses of a name only one connection is used.
        case .dialled: break
        case .accepted: accepted(connection)
        }
    }

    func helloReceived(_ hello: Hello, over connection: PeerConnection, credential: PeerCredential) {
        switch connection.side {
        case .dialled(let node, let ticket): answered(hello, connection, credential, from: node, ticket)
        case .accepted: greeted(hello, connection, credential)
        }
    }

    func connectionWritable(_ connection: PeerConnection) {
        guard let node = connection.established?.node, links[node]?.path === connection else { return }
        drain(node)
    }

    func connectionEnded(_ connection: PeerConnection, hello: Hello?, cause: LinkDownCause) {
        let wasOpen = connections.removeValue(forKey: ObjectIdentifier(connection)) != nil
        switch connection.side {
        case .dialled(let node, let ticket):
            if let link = links[node], link.dialled === connection {
                dialledEnded(link, connection, ticket, wasUp: hello != nil, cause)
            }
        case .accepted:
            if wasOpen, hello == nil { greetings -= 1 }
            acceptedEnded(connection, hello: hello, cause)
        }
        if isStopping, connections.isEmpty { stopped.succeed() }
    }

    // MARK: Telling

    func report(_ link: Link, _ event: LinkEvent) {
        guard !isStopping else { return }
        link.shared.update { status, _ in
            status.address = link.address
            switch event {
            case .up(let hello):
                status.state = .up(hello)
                status.connects += 1
            case .down(let cause):
                status.state = .down(cause)
                status.roundTrip = nil
            }
        }
        log(link, event)
        callbacks.link(link.node, event)
    }

    private func log(_ link: Link, _ event: LinkEvent) {
        let address = link.address?.description ?? "not dialled"
        switch event {
        case .up(let hello):
            logger.info(
                "peer link up",
                metadata: [
                    "peer": .stringConvertible(link.node.rawValue), "address": "\(address)", "boot": "\(hello.boot)",
                    "version": "\(hello.softwareVersion)",
                ])
        case .down(.removed):
            logger.info("peer link removed", metadata: ["peer": .stringConvertible(link.node.rawValue)])
        case .down(let cause):
            complain(
                "peer link down: \(cause)", key: "\(link.node)",
                ["peer": .stringConvertible(link.node.rawValue), "address": "\(address)"])
        }
    }

    func complain(about connection: PeerConnection, _ text: String) {
        let peer: String =
            switch connection.side {
            case .dialled(let node, _): "\(node)"
            case .accepted: connection.established.map { "\($0.node)" } ?? "unknown"
            }
        complain(text, key: "\(peer) \(connection.remoteHost)", ["peer": "\(peer)", "remote": "\(connection.remote)"])
    }

    private func complain(_ text: String, key: String, _ metadata: Logger.Metadata) {
        let level: Logger.Level = complaints.admits("\(key) \(text)", at: .now()) ? .warning : .debug
        logger.log(level: level, "\(text)", metadata: metadata)
    }

    // MARK: The end

    /// Ends every connection after its queue has left. The future succeeds when all are closed.
    func stop() -> EventLoopFuture<Void> {
        isStopping = true
        for link in links.values {
            drain(link.node, always: true)
            link.schedule.stop()
        }
        for connection in Array(connections.values) {
            if connection.established == nil {
                connection.end(.removed)
            } else {
                connection.endAfterFlush()
            }
        }
        if connections.isEmpty { stopped.succeed() }
        let promise = stopped
        loop.scheduleTask(in: limits.flushTimeout) { promise.succeed() }
        return stopped.futureResult
    }

    /// Lets go of the links, which hold on to this table.
    func clear() {
        for link in links.values { link.setPath(nil) }
        links.removeAll()
        directory.removeAll()
    }
}
