import Logging
import NIOCore
import NIOPosix
import Raft

/// Our connections to the peers: the ones that frames leave by.
extension LinkTable {
    /// The peers to dial from now on. See `PeerTransport.setPeers`.
    func setPeers(_ peers: [NodeID: PeerAddress]) {
        guard !isStopping else { return }
        for link in Array(links.values) where link.address != nil && peers[link.node] == nil { drop(link) }
        for (node, address) in peers.sorted(by: { $0.key < $1.key }) where node != policy.own.node {
            let link = link(to: node)
            let moved = link.address != address
            link.address = address
            directory.set(link.shared, for: node)
            link.shared.update { status, _ in status.address = address }
            // A link that stands has proved who it is; the new address is for the next dial.
            if moved, !link.schedule.isUp, link.dialled == nil { link.schedule.stop() }
            perform(link.schedule.start(), for: link)
        }
    }

    /// The cluster no longer has this peer. A peer that dials again is judged by `isKnown` like a stranger.
    private func drop(_ link: Link) {
        remove(link)
        link.address = nil
        link.schedule.stop()
        link.setPath(nil)
        link.dialled?.end(.removed)
        link.accepted?.end(.removed)
        report(link, .down(.removed))
    }

    func dial(_ link: Link, _ ticket: DialSchedule.Ticket) {
        guard let address = link.address else { return }
        let node = link.node
        let table = NIOLoopBound(self, eventLoop: loop)
        let plain = ClientBootstrap(group: loop).connectTimeout(limits.connectTimeout).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try table.value.prepare(channel, side: .dialled(node, ticket)) }
        }
        let bootstrap = SocketOptions.apply(limits, to: plain)
        let connected =
            address.literal.map { bootstrap.connect(to: $0) }
            ?? bootstrap.connect(host: address.host, port: address.port)
        connected.assumeIsolated().whenComplete { self.dialled(link, ticket, $0) }
    }

    private func dialled(_ link: Link, _ ticket: DialSchedule.Ticket, _ result: Result<any Channel, any Error>) {
        guard !isStopping, links[link.node] === link, link.schedule.isDialling(ticket) else {
            if case .success(let channel) = result { channel.close(promise: nil) }
            return
        }
        switch result {
        case .success(let channel):
            let found = try? channel.pipeline.syncOperations.handler(type: PeerConnection.self)
            guard let connection = found, !connection.hasEnded else {
                // It was closed in the moment in which it was opened.
                return failed(link, ticket, .handshake(.closed))
            }
            link.dialled = connection
            connection.begin()
        case .failure(let error):
            failed(link, ticket, LinkDownCause(dialError: error))
        }
    }

    private func failed(_ link: Link, _ ticket: DialSchedule.Ticket, _ cause: LinkDownCause) {
        // With a path the link is up, over the connection that the peer dialled before its address was known.
        if link.path == nil { report(link, .down(cause)) }
        scheduleAfterFailure(link, ticket)
    }

    /// The node that we dialled said hello.
    func answered(
        _ hello: Hello, _ connection: PeerConnection, _ credential: PeerCredential, from node: NodeID,
        _ ticket: DialSchedule.Ticket
    ) {
        guard let link = links[node], link.dialled === connection else { return connection.end(.removed) }
        if let refusal = policy.refusal(of: hello, credential: credential, dialled: node, known: link.known) {
            return connection.refuse(refusal)
        }
        connection.establish(hello)
        link.schedule.established(ticket, at: .now())
        link.learn(hello)
        link.setPath(connection)
        report(link, .up(hello))
    }

    func dialledEnded(
        _ link: Link, _ connection: PeerConnection, _ ticket: DialSchedule.Ticket, wasUp: Bool, _ cause: LinkDownCause
    ) {
        link.dialled = nil
        count(connection, for: link)
        if link.path === connection { link.setPath(nil) }
        guard wasUp else { return failed(link, ticket, cause) }
        report(link, .down(cause))
        scheduleAfterClose(link)
    }
}
