import NIOCore
import NIOPosix
import Synchronization

/// A way from one node to another that a test can cut. The node dials the proxy; the proxy dials the other node.
final class LinkProxy: Sendable {
    private struct State {
        var target: Int?
        var isCut = false
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    private let state = Mutex(State())
    private let server = Mutex<(any Channel)?>(nil)

    /// Listens. Returns the port to dial.
    func start() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { [self] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Opener { self.accept($0) })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        server.withLock { $0 = channel }
        guard let port = channel.localAddress?.port else { preconditionFailure("a bound channel has a port") }
        return port
    }

    /// Where the way leads; nil to a dead node.
    func lead(to port: Int?) {
        state.withLock { $0.target = port }
    }

    /// Nothing that is sent after the return arrives.
    func cut() async {
        let channels = state.withLock { state in
            state.isCut = true
            return Array(state.channels.values)
        }
        for channel in channels { try? await channel.close().get() }
    }

    func mend() {
        state.withLock { $0.isCut = false }
    }

    func stop() async {
        await cut()
        let channel = server.withLock { $0 }
        try? await channel?.close().get()
    }

    private func accept(_ channel: any Channel) {
        let target: Int? = state.withLock { state in
            guard !state.isCut else { return nil }
            return state.target
        }
        guard let target else { return channel.close(promise: nil) }
        ClientBootstrap(group: channel.eventLoop).channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: target)
            .whenComplete { [self] result in
                guard case .success(let other) = result else { return channel.close(promise: nil) }
                join(channel, other)
            }
    }

    private func join(_ first: any Channel, _ second: any Channel) {
        let isOpen = state.withLock { state in
            guard !state.isCut else { return false }
            for channel in [first, second] { state.channels[ObjectIdentifier(channel)] = channel }
            return true
        }
        guard isOpen else {
            first.close(promise: nil)
            return second.close(promise: nil)
        }
        for (channel, other) in [(first, second), (second, first)] {
            try? channel.pipeline.syncOperations.addHandler(Forwarder(to: other))
            channel.closeFuture.whenComplete { [self] _ in
                state.withLock { $0.channels[ObjectIdentifier(channel)] = nil }
                other.close(promise: nil)
            }
        }
        for channel in [first, second] {
            channel.setOption(.autoRead, value: true).whenComplete { _ in channel.read() }
        }
    }

    /// Begins when the channel is active: before that a close is lost.
    private final class Opener: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let opened: (any Channel) -> Void

        init(opened: @escaping (any Channel) -> Void) {
            self.opened = opened
        }

        func channelActive(context: ChannelHandlerContext) {
            opened(context.channel)
            context.fireChannelActive()
        }
    }

    private final class Forwarder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let other: any Channel

        init(to other: any Channel) {
            self.other = other
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            other.write(unwrapInboundIn(data), promise: nil)
        }

        func channelReadComplete(context: ChannelHandlerContext) {
            other.flush()
        }
    }
}
