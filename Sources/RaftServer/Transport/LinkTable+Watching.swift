import NIOCore

/// What time does to the links: pings, silence, counters.
extension LinkTable {
    /// Once in each ping interval.
    func tick() {
        let now = NIODeadline.now()
        // After a pause of our own (a stopped process, a starved thread) the peers' bytes may still wait in the kernel:
        // whether they were silent is judged at the next tick, when those have been read.
        let wasAway = now - lastTick > limits.pingInterval + limits.pingInterval + limits.pingInterval
        lastTick = now
        for connection in Array(connections.values) {
            guard let hello = connection.established else { continue }
            if let refusal = policy.refusalOfMember(hello) {
                connection.end(.handshake(.refusedHere(refusal)))
            } else if !wasAway, connection.isReading, now - connection.lastHeard > limits.silenceLimit {
                connection.end(.timeout)
            } else {
                pingIfUsed(connection)
            }
        }
        for link in links.values { publish(link) }
    }

    /// The dialler pings; the other side learns from it that the connection lives. Who answers over an accepted
    /// connection wants its round-trip time, too.
    private func pingIfUsed(_ connection: PeerConnection) {
        switch connection.side {
        case .dialled:
            connection.ping()
        case .accepted:
            guard let node = connection.established?.node, links[node]?.path === connection else { return }
            connection.ping()
        }
    }

    private func publish(_ link: Link) {
        let both = [link.dialled, link.accepted].compactMap(\.self)
        for connection in both { count(connection, for: link) }
        let roundTrip = link.path?.roundTrip.smoothed
        link.shared.update { status, _ in status.roundTrip = roundTrip }
    }

    /// Adds to the link what `connection` brought since the last time.
    func count(_ connection: PeerConnection, for link: Link) {
        let new = connection.takeUncounted()
        link.shared.update { status, lastHeard in
            status.framesReceived += new.frames
            status.bytesReceived += new.bytes
            if let heard = lastHeard, heard > connection.lastHeard { return }
            lastHeard = connection.lastHeard
        }
    }
}
