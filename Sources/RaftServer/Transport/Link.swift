import NIOCore
import Raft
import Synchronization

/// The part of a link that every thread may touch.
final class SharedLink: Sendable {
    let outbound: OutboundQueue
    private let status: Mutex<(status: LinkStatus, lastHeard: NIODeadline?)>

    init(node: NodeID, outbound: OutboundQueue) {
        self.outbound = outbound
        let status = LinkStatus(
            node: node, address: nil, state: .down(nil), roundTrip: nil, silence: nil, outboundBytes: 0, framesSent: 0,
            bytesSent: 0, framesReceived: 0, bytesReceived: 0, framesDropped: 0, connects: 0)
        self.status = Mutex((status, nil))
    }

    func update(_ change: (inout LinkStatus, inout NIODeadline?) -> Void) {
        status.withLock { change(&$0.status, &$0.lastHeard) }
    }

    func snapshot(at now: NIODeadline) -> LinkStatus {
        let counters = outbound.counters
        var (status, lastHeard) = status.withLock { $0 }
        status.silence = lastHeard.map { max(.zero, now - $0) }
        status.outboundBytes = counters.outboundBytes
        status.framesSent = counters.framesSent
        status.bytesSent = counters.bytesSent
        status.framesDropped = counters.framesDropped
        return status
    }
}

/// All that is known about one peer. Confined to the transport's event loop.
final class Link {
    let node: NodeID
    let shared: SharedLink
    let inbound: InboundWindow
    /// Where to dial; nil for a peer that only dials us.
    var address: PeerAddress?
    var schedule: DialSchedule
    /// The connection that we dialled, from TCP's handshake on.
    var dialled: PeerConnection?
    /// The connection that the peer dialled and that passed the handshake.
    var accepted: PeerConnection?
    /// The established one of the two that frames leave by. While it is set the outbound queue is open.
    private(set) var path: PeerConnection?
    /// The newest process of the peer that was accepted.
    private(set) var known: KnownProcess?

    init(node: NodeID, limits: PeerTransport.Limits, shared: SharedLink, inbound: InboundWindow) {
        self.node = node
        self.shared = shared
        self.inbound = inbound
        schedule = DialSchedule(limits: limits)
    }

    /// Frames leave by `connection` from now on; nil: they do not leave.
    func setPath(_ connection: PeerConnection?) {
        if path != nil { shared.outbound.close() }
        path = connection
        if path != nil { shared.outbound.open() }
    }

    func learn(_ hello: Hello) {
        if let known, known.incarnation == hello.incarnation, known.boot >= hello.boot { return }
        known = KnownProcess(incarnation: hello.incarnation, boot: hello.boot)
    }
}
