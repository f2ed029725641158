import Logging
import NIOCore
import Raft

/// The peers' connections to us: the ones that frames come in by.
extension LinkTable {
    func accepted(_ connection: PeerConnection) {
        greetings += 1
        guard !isStopping, greetings <= limits.greetings else {
            complain(about: connection, "more than \(limits.greetings) connections have not said hello: closing one")
            return connection.end(.handshake(.closed))
        }
        connection.begin()
    }

    /// Somebody said hello on a connection that we accepted.
    func greeted(_ hello: Hello, _ connection: PeerConnection, _ credential: PeerCredential) {
        let known = links[hello.node]?.known
        let refusal =
            policy.refusal(of: hello, credential: credential, dialled: nil, known: known) ?? refusalForRoom(hello)
        if let refusal { return connection.refuse(refusal) }
        greetings -= 1
        connection.establish(hello)
        let link = link(to: hello.node)
        link.learn(hello)
        let previous = link.accepted
        link.accepted = connection
        // The same process dials again when it has lost a connection that we still believe in; a newer one when the
        // older is dead. Either way the newest is the true one.
        previous?.end(.closed)
        replaceOlderProcess(of: link, by: hello)
        if link.address == nil {
            directory.set(link.shared, for: link.node)
            link.setPath(connection)
            report(link, .up(hello))
        } else {
            perform(link.schedule.hint(), for: link)
        }
        // Last, because it may end the connection. What the callback above has sent leaves in a later pass, behind
        // this.
        connection.write(.hello, ownHello)
    }

    private func replaceOlderProcess(of link: Link, by hello: Hello) {
        guard let dialled = link.dialled, let other = dialled.established else { return }
        guard other.boot != hello.boot || other.incarnation != hello.incarnation else { return }
        dialled.end(.replaced(by: hello.boot))
    }

    /// Room for a peer that `setPeers` does not name; one of them that has left makes room for one that comes.
    private func refusalForRoom(_ hello: Hello) -> HandshakeRefusal? {
        guard links[hello.node] == nil else { return nil }
        let uninvited = links.values.filter { $0.address == nil }
        guard uninvited.count >= limits.uninvitedLinks else { return nil }
        guard let idle = uninvited.first(where: { $0.accepted == nil }) else {
            let detail = "\(limits.uninvitedLinks) nodes outside the configuration are connected already"
            return HandshakeRefusal(reason: .tooManyLinks, detail: detail)
        }
        remove(idle)
        return nil
    }

    func acceptedEnded(_ connection: PeerConnection, hello: Hello?, _ cause: LinkDownCause) {
        guard let hello else { return logFailedGreeting(connection, cause) }
        guard let link = links[hello.node] else { return }
        count(connection, for: link)
        guard link.accepted === connection else { return }
        link.accepted = nil
        if link.path === connection {
            link.setPath(nil)
            if link.address == nil { directory.set(nil, for: link.node) }
            report(link, .down(cause))
        }
        perform(link.schedule.hint(), for: link)
    }

    private func logFailedGreeting(_ connection: PeerConnection, _ cause: LinkDownCause) {
        guard case .handshake(let failure) = cause else { return }
        switch failure {
        case .closed:
            // Health checks and port scanners; nothing that an operator must see.
            logger.debug("connection closed before hello", metadata: ["remote": "\(connection.remote)"])
        case .tls, .silent, .refusedHere, .refusedByPeer:
            complain(about: connection, "a connection did not become a link: \(failure)")
        }
    }
}
