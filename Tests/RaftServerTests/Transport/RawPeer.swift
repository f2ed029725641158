import NIOCore
import NIOPosix
import Raft
import Synchronization
import Testing

@testable import RaftServer

/// The other end of a connection, played by hand: it says only what the test tells it to.
struct RawPeer: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    static func dial(_ address: PeerAddress) async throws -> RawPeer {
        let inbox = Inbox()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(inbox.handler) }
            }
            .connect(host: address.host, port: address.port).get()
        return RawPeer(channel: channel, inbox: inbox)
    }

    /// A plaintext hello as a node of the test cluster says it, changed by `change`.
    static func hello(_ node: UInt64, boot: UInt64 = 1, _ change: (inout Hello) -> Void = { _ in }) -> Hello {
        var hello = Hello(
            protocolVersions: PeerTransport.protocolVersions, clusterID: TestNode.clusterID, node: NodeID(node),
            incarnation: TestNode.incarnation, boot: BootID(boot), machineVersionMax: 1, softwareVersion: "raw",
            address: PeerAddress(host: "127.0.0.1", port: 1))
        change(&hello)
        return hello
    }

    static func frame(_ kind: FrameKind, _ payload: ByteBuffer) -> ByteBuffer {
        var frame = ByteBuffer()
        payload.withUnsafeReadableBytes { bytes in
            FrameHeader(kind: kind, payload: bytes, isBulk: false, withChecksum: true)
                .withBytes { _ = frame.writeBytes($0) }
        }
        frame.writeImmutableBuffer(payload)
        return frame
    }

    func send(_ kind: FrameKind, _ payload: ByteBuffer = ByteBuffer()) async {
        await send(Self.frame(kind, payload))
    }

    /// What a closed connection does not take is none of the sender's concern: tests look at how it ended.
    func send(_ bytes: ByteBuffer) async { try? await channel.writeAndFlush(bytes).get() }

    func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

    func resumeReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    func close() async throws { try await channel.close().get() }

    /// Waits for the end of the connection.
    func waitForClose() async throws { try await channel.closeFuture.get() }

    /// Waits for a frame of `kind`; nil if the connection ends first.
    func frame(_ kind: FrameKind) async -> ByteBuffer? {
        for await frame in inbox.frames where frame.kind == kind { return frame.payload }
        return nil
    }

    private final class Inbox: Sendable {
        let frames: AsyncStream<Frame>
        private let continuation: AsyncStream<Frame>.Continuation

        init() {
            (frames, continuation) = AsyncStream.makeStream()
        }

        var handler: Handler { Handler(continuation) }
    }

    private final class Handler: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let continuation: AsyncStream<Frame>.Continuation
        private let decoder = Mutex(FrameDecoder(maximumPayloadBytes: 1 << 24, checksumRequired: true))

        init(_ continuation: AsyncStream<Frame>.Continuation) {
            self.continuation = continuation
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            decoder.withLock { decoder in
                decoder.append(bytes)
                while let frame = try? decoder.next() { continuation.yield(frame) }
            }
        }

        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

extension RawPeer {
    static func helloBytes(_ node: UInt64) -> ByteBuffer { hello(node).encoded() }
}
