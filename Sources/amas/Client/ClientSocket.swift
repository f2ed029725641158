import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket

/// One open WebSocket of the command line. Texts go both ways; pings are answered by themselves.
final class ClientSocket: Sendable {
    struct Address: Sendable {
        var host: String
        var port: Int
        var isSecure: Bool
        /// The `Host` header.
        var authority: String
    }

    struct Refused: Error {}

    /// For connecting, and again for TLS and the upgrade together.
    private static let connectTimeout = TimeAmount.seconds(3)
    private static let messageBytes = 1 << 20
    /// A reader so far behind loses the connection and resumes by offset on the next.
    private static let unreadTexts = 10_000

    /// Ends when the connection does. For one reader.
    let texts: AsyncStream<[UInt8]>
    private let channel: any Channel

    private init(texts: AsyncStream<[UInt8]>, channel: any Channel) {
        self.texts = texts
        self.channel = channel
    }

    static func open(_ address: Address, path: String, headers: [(String, String)]) async throws -> ClientSocket {
        let (texts, continuation) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingOldest(unreadTexts))
        let tls = address.isSecure ? try NIOSSLContext(configuration: .makeClientConfiguration()) : nil
        let fields = HTTPHeaders([("host", address.authority)] + headers)
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: fields)
        let upgraded = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(connectTimeout)
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        // A certificate names hosts; an address cannot be sent as a server's name.
                        let isName = (try? SocketAddress(ipAddress: address.host, port: 0)) == nil
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: isName ? address.host : nil))
                    }
                    return try upgrade(channel, head, continuation)
                }
            }
        guard let channel = try await upgraded.get() else { throw Refused() }
        return ClientSocket(texts: texts, channel: channel)
    }

    /// Nil: the server answered otherwise.
    private static func upgrade(
        _ channel: any Channel, _ head: HTTPRequestHead, _ texts: AsyncStream<[UInt8]>.Continuation
    ) throws -> EventLoopFuture<(any Channel)?> {
        let upgrader = NIOTypedWebSocketClientUpgrader<(any Channel)?>(
            maxFrameSize: messageBytes,
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOWebSocketFrameAggregator(
                            minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 64,
                            maxAccumulatedFrameSize: messageBytes),
                        TextFrames(texts),
                    ])
                    return channel
                }
            })
        let upgraded = try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(
            configuration: .init(
                upgradeConfiguration: .init(
                    upgradeRequestHead: head, upgraders: [upgrader],
                    notUpgradingCompletionHandler: { channel in channel.close().map { nil } })))
        // A server that says nothing to TLS or the upgrade: closing fails the upgrade.
        let deadline = channel.eventLoop.scheduleTask(in: connectTimeout) { channel.close(promise: nil) }
        upgraded.whenComplete { _ in deadline.cancel() }
        return upgraded
    }

    func send(_ text: [UInt8]) {
        let frame = WebSocketFrame(fin: true, opcode: .text, maskKey: .random(), data: ByteBuffer(bytes: text))
        channel.writeAndFlush(frame, promise: nil)
    }

    func close() { channel.close(promise: nil) }
}

/// Hands texts to the reader, answers pings, and ends with the connection.
private final class TextFrames: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let texts: AsyncStream<[UInt8]>.Continuation

    init(_ texts: AsyncStream<[UInt8]>.Continuation) {
        self.texts = texts
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text:
            if case .dropped = texts.yield(Array(frame.unmaskedData.readableBytesView)) { context.close(promise: nil) }
        case .ping:
            let pong = WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: frame.unmaskedData)
            context.writeAndFlush(wrapOutboundOut(pong), promise: nil)
        case .connectionClose:
            let answer = WebSocketFrame(
                fin: true, opcode: .connectionClose, maskKey: .random(), data: frame.unmaskedData)
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(answer)).whenComplete { _ in bound.value.close(promise: nil) }
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        texts.finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
