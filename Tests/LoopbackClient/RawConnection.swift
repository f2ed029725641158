import NIOCore
import NIOPosix

/// A TCP connection in the hands of a test: bytes out, bytes in. It ends after a while, so that a test can fail but not
/// hang.
public final class RawConnection {
    private let channel: any Channel
    private var iterator: AsyncStream<[UInt8]>.Iterator
    public private(set) var buffer: [UInt8] = []

    private init(_ channel: any Channel, _ stream: AsyncStream<[UInt8]>) {
        self.channel = channel
        iterator = stream.makeAsyncIterator()
    }

    /// - Parameters:
    ///   - receiveBufferBytes: a small one makes a slow reader.
    ///   - seconds: how long the connection may last.
    public static func open(
        port: Int, receiveBufferBytes: Int? = nil, lasting seconds: Int64 = 180
    ) async throws -> RawConnection {
        let (stream, continuation) = AsyncStream<[UInt8]>.makeStream()
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation))
                }
            }
        if let receiveBufferBytes {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: receiveBufferBytes)
        }
        let channel = try await bootstrap.connect(host: "127.0.0.1", port: port).get()
        channel.eventLoop.scheduleTask(in: .seconds(seconds)) { channel.close(promise: nil) }
        return RawConnection(channel, stream)
    }

    public func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }
    public func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    public func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
    public func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// More bytes; false at the end of the connection.
    public func readMore() async -> Bool {
        guard let bytes = await iterator.next() else { return false }
        buffer += bytes
        return true
    }

    public func take(_ count: Int) -> [UInt8] {
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }

    /// `count` bytes; nil if the connection ends before.
    public func read(_ count: Int) async -> [UInt8]? {
        while buffer.count < count { guard await readMore() else { return nil } }
        return take(count)
    }

    public func close() { channel.close(promise: nil) }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let continuation: AsyncStream<[UInt8]>.Continuation

        init(_ continuation: AsyncStream<[UInt8]>.Continuation) {
            self.continuation = continuation
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(Array(unwrapInboundIn(data).readableBytesView))
        }

        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
