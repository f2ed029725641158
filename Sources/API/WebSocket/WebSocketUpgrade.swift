import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOWebSocket

/// Turns a connection into a WebSocket (RFC 6455 §4.2) when a request asks for it and the gate lets it; everything else
/// goes on to the router. NIO's own upgrader is no choice: it drops requests that it does not upgrade.
///
/// The request is held until its last part has come, so that the HTTP decoder has nothing left to say when it goes. The
/// decision is immediate, so nothing queues here.
final class WebSocketUpgrade: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    static let subprotocol = "amas.v1.json"

    private let gate: SocketGate
    private let hub: Hub
    private let limits: APILimits
    /// Requests passed on and not answered.
    private var outstanding = 0
    private var admitted: (head: HTTPRequest, principal: Principal)?

    init(gate: SocketGate, hub: Hub, limits: APILimits) {
        self.gate = gate
        self.hub = hub
        self.limits = limits
    }

    func channelInactive(context: ChannelHandlerContext) {
        if admitted != nil { gate.release() }
        admitted = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if outstanding == 0, gate.isSocketPath(head), let principal = gate.admit(head) {
                admitted = (head, principal)
                return
            }
            outstanding += 1
        case .body:
            if let (head, _) = admitted {
                // A handshake has no body; the router says so.
                admitted = nil
                gate.release()
                outstanding += 1
                context.fireChannelRead(wrapInboundOut(.head(head)))
            }
        case .end:
            if let (head, principal) = admitted {
                admitted = nil
                return upgrade(context, head, principal)
            }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { outstanding -= 1 }
        context.write(data, promise: promise)
    }

    private func upgrade(_ context: ChannelHandlerContext, _ head: HTTPRequest, _ principal: Principal) {
        guard let shard = hub.shard(of: context.eventLoop), let key = head.headerFields[.secWebSocketKey] else {
            preconditionFailure("the gate has checked the key, and every loop of the server has a shard")
        }
        var response = HTTPResponse(status: .switchingProtocols)
        response.headerFields[.upgrade] = "websocket"
        response.headerFields[.connection] = "Upgrade"
        response.headerFields[.secWebSocketAccept] = Self.accept(key)
        let offered = (head.headerFields[.secWebSocketProtocol] ?? "").split(separator: ",").map(\.trimmed)
        if offered.contains(Self.subprotocol) { response.headerFields[.secWebSocketProtocol] = Self.subprotocol }
        context.writeAndFlush(wrapOutboundOut(.head(response)), promise: nil)
        hub.opened()
        let socket = SocketHandler(hub: hub, shard: shard, gate: gate, principal: principal, limits: limits)
        do {
            try replaceHandlers(context, socket)
        } catch {
            hub.logger.error("a connection could not become a WebSocket", metadata: ["error": "\(error)"])
            // Once in the pipeline the socket gives its place back itself.
            if socket.context == nil {
                hub.closed()
                gate.release()
            }
            context.close(promise: nil)
        }
    }

    /// Frames in front, HTTP out; what Hummingbird has at the end of the pipeline stays and hears nothing any more.
    private func replaceHandlers(_ context: ChannelHandlerContext, _ socket: SocketHandler) throws {
        let pipeline = context.pipeline.syncOperations
        let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
        let http = [
            try pipeline.context(handlerType: HTTPConnectionStateHandler.self),
            try pipeline.context(handlerType: RequestGuard.self),
            try pipeline.context(handlerType: HTTP1ToHTTPServerCodec.self),
            try pipeline.context(handlerType: HTTPResponseEncoder.self),
            decoder,
        ]
        let frames: [any ChannelHandler] = [
            WebSocketFrameEncoder(),
            ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: limits.socketMessageBytes)),
            FrameRules(),
            NIOWebSocketFrameAggregator(
                minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: limits.socketFragments,
                maxAccumulatedFrameSize: limits.socketMessageBytes),
            socket,
        ]
        try pipeline.addHandlers(frames, position: .before(decoder.handler))
        for handler in http { pipeline.removeHandler(context: handler, promise: nil) }
        pipeline.removeHandler(context: context, promise: nil)
    }

    /// RFC 6455 §4.2.2, 5.4.
    static func accept(_ key: String) -> String {
        Data(Digest.sha1(Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))).base64EncodedString()
    }
}
