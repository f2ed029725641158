import ClusterState
import NIOCore
import NIOWebSocket
import Synchronization
import Telemetry

/// One open WebSocket: frames to and from the session, and the queue of what the client has not taken.
///
/// Lives on its channel's event loop. Nothing is passed on inwards: Hummingbird's HTTP channel is behind it in the
/// pipeline and knows no frames. `SocketHandler+Subscriptions` keeps the channels.
final class SocketHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    let hub: Hub
    let shard: HubShard
    let principal: Principal
    let limits: APILimits
    var subscriptions: [EventChannel: Subscription] = [:]
    var replayIsScheduled = false
    private(set) var context: ChannelHandlerContext?
    private let gate: SocketGate
    private var session: WebSocketSession
    private var queue: OutgoingQueue
    private var needsFlush = false
    private var heartbeatAt: NIODeadline
    private var closing = Closing.open

    private enum Closing {
        case open
        /// Our close frame is on its way with this code.
        case sent
        case closed
    }

    init(hub: Hub, shard: HubShard, gate: SocketGate, principal: Principal, limits: APILimits) {
        self.hub = hub
        self.shard = shard
        self.gate = gate
        self.principal = principal
        self.limits = limits
        session = WebSocketSession(limits: limits, now: Self.milliseconds)
        queue = OutgoingQueue(limitBytes: limits.socketQueueBytes)
        // Spread, so that the heartbeats of clients that came together do not go out together.
        heartbeatAt = .now() + .milliseconds(.random(in: 1...(limits.heartbeatSeconds * 1000)))
    }

    private static var milliseconds: Int64 { Int64(NIODeadline.now().uptimeNanoseconds / 1_000_000) }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        shard.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    func channelInactive(context: ChannelHandlerContext) { leave() }

    private func leave() {
        guard context != nil else { return }
        if closing == .open { hub.metrics.socketDisconnects.with("1006").increment() }
        closing = .closed
        context = nil
        _ = hub.queueChanged(by: -queue.bytes)
        hub.metrics.subscriptions.add(-subscriptions.count)
        shard.remove(self, channels: subscriptions.keys)
        subscriptions = [:]
        hub.closed()
        gate.release()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { close(WebSocketSession.CloseCode.restart, "the node is stopping") }
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text where closing == .open:
            perform(session.received(Array(frame.unmaskedData.readableBytesView), now: Self.milliseconds))
        case .binary where closing == .open: close(1003, "text only")
        case .ping where closing == .open:
            session.heard()
            write(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData))
            flush()
        case .pong: session.heard()
        case .connectionClose: closeReceived(frame)
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength, NIOWebSocketFrameAggregator.Error.accumulatedFrameSizeIsTooLarge:
            close(1009, "a message may have \(limits.socketMessageBytes) bytes")
        case NIOWebSocketFrameAggregator.Error.tooManyFragments: close(1009, "too many fragments")
        case is NIOWebSocketError, is NIOWebSocketFrameAggregator.Error: close(1002, "protocol error")
        case let violation as FrameRules.Violation: close(1002, violation.rawValue)
        default: context.close(promise: nil)
        }
    }

    private func perform(_ actions: [WebSocketSession.Action]) {
        for action in actions {
            switch action {
            case .send(let text): send(ByteBuffer(bytes: text))
            case .subscribe(let channel, let since, let id): subscribe(channel, since: since, id: id)
            case .unsubscribe(let channel, let id): unsubscribe(channel, id: id)
            case .ping: write(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer()))
            case .close(let code, let reason): close(code, reason)
            }
        }
        flush()
    }

    func heartbeatIfDue(time: String) {
        guard closing == .open, heartbeatAt <= .now() else { return }
        heartbeatAt = .now() + .seconds(limits.heartbeatSeconds)
        perform(session.heartbeat(time: time))
    }

    // MARK: Out

    /// Sends now if the connection takes it, otherwise queues. A client for which there is no room any more is closed.
    func send(_ text: ByteBuffer, coalescingKey: String? = nil) {
        guard closing == .open, let context else { return }
        if queue.isEmpty && context.channel.isWritable {
            hub.metrics.socketEvents.increment()
            return write(WebSocketFrame(fin: true, opcode: .text, data: text))
        }
        let before = queue.bytes
        let verdict = queue.append(text, coalescingKey: coalescingKey)
        let hasRoom = hub.queueChanged(by: queue.bytes - before)
        if verdict == .full || (verdict == .queued && !hasRoom) {
            close(WebSocketSession.CloseCode.tryAgainLater, "slow_consumer")
        }
    }

    private func write(_ frame: WebSocketFrame) {
        context?.write(wrapOutboundOut(frame), promise: nil)
        needsFlush = true
    }

    func flush() {
        guard needsFlush else { return }
        needsFlush = false
        context?.flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let before = queue.bytes
        while context.channel.isWritable, let message = queue.next() {
            hub.metrics.socketEvents.increment()
            write(WebSocketFrame(fin: true, opcode: .text, data: message))
        }
        _ = hub.queueChanged(by: queue.bytes - before)
        flush()
        if canReplay { scheduleReplay() }
    }

    /// Replays go on only while the client reads, so that they never fill its queue.
    var canReplay: Bool { closing == .open && queue.isEmpty && context?.channel.isWritable == true }

    // MARK: Closing

    func drain() {
        let wait = Int64.random(in: 0...limits.reconnectMilliseconds)
        let data = JSONWriter.document { json in json.object { $0.field("reconnect_after_ms", wait) } }
        let message = EventMessage(
            ephemeral: "server_draining", on: [.cluster], tenant: "", taskID: nil, at: hub.clock(), coalescingKey: nil,
            data: data)
        send(ByteBuffer(bytes: message.text(for: .cluster)))
        flush()
        let delay = Int64.random(in: 0...limits.drainSpreadMilliseconds)
        after(milliseconds: delay) { $0.close(WebSocketSession.CloseCode.restart, "the node is draining") }
    }

    /// Sends the close frame and gives the client a moment to answer it.
    func close(_ code: UInt16, _ reason: String) {
        guard closing == .open, let context else { return }
        closing = .sent
        hub.metrics.socketDisconnects.with("\(code)").increment()
        _ = hub.queueChanged(by: -queue.bytes)
        queue = OutgoingQueue(limitBytes: limits.socketQueueBytes)
        var data = context.channel.allocator.buffer(capacity: 2 + reason.utf8.count)
        data.writeInteger(code)
        data.writeString(reason)
        context.writeAndFlush(
            wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)), promise: nil)
        after(milliseconds: limits.closeMilliseconds) { $0.context?.close(promise: nil) }
    }

    private func closeReceived(_ frame: WebSocketFrame) {
        guard let context else { return }
        guard closing == .open else { return context.close(promise: nil) }
        var data = frame.unmaskedData
        let length = data.readableBytes
        let code = data.readInteger(as: UInt16.self)
        // RFC 6455 §7.4: no code at all, or one that may be sent.
        guard length == 0 || code.map(WebSocketSession.CloseCode.maySend) == true else {
            return close(1002, "bad close code")
        }
        closing = .sent
        hub.metrics.socketDisconnects.with(code.map { 1000..<5000 ~= $0 ? "\($0)" : "other" } ?? "1005").increment()
        // The same code goes back (RFC 6455 §5.5.1).
        var answer = context.channel.allocator.buffer(capacity: 2)
        if let code { answer.writeInteger(code) }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: answer)))
            .whenComplete { _ in bound.value.close(promise: nil) }
    }

    func after(milliseconds: Int64, _ body: @escaping @Sendable (SocketHandler) -> Void) {
        guard let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(milliseconds)) { body(bound.value) }
    }
}
