import LoopbackServer
import NIOCore
import NIOPosix
import Synchronization

/// The one way from a node to another: a forwarder on a port of its own that can be cut (as when a process has died: connections
/// close, new ones are refused) or silenced (as when a host is gone: connections stand, and nothing comes).
final class PeerWire: Sendable {
    enum Condition: Sendable {
        case open
        case silent
        case cut
    }

    private struct State {
        var condition = Condition.open
        /// Where the other node listens now; nil while it is down.
        var target: Int?
        var server: (any Channel)?
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    private let state = Mutex(State())
    /// Where the node that dials finds the other, also after a cut.
    let port: Int

    init() throws {
        port = try TestPort.next()
    }

    func open() async throws {
        let server = try await bind()
        state.withLock { $0.server = server }
    }

    private func bind() async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { [weak self] channel in
                self?.accepted(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: port).get()
    }

    func point(to target: Int?) {
        state.withLock { $0.target = target }
    }

    func become(_ condition: Condition) async throws {
        let (before, server, channels) = state.withLock { state in
            defer { state.condition = condition }
            return (state.condition, state.server, Array(state.channels.values))
        }
        guard before != condition else { return }
        switch condition {
        case .open:
            if before == .cut { try await open() }
            // Connections that have lost bytes are of no more use.
            for channel in channels { try? await channel.close() }
        case .silent:
            break
        case .cut:
            try? await server?.close()
            for channel in channels { try? await channel.close() }
        }
    }

    private func accepted(_ near: any Channel) {
        let (target, condition) = state.withLock { ($0.target, $0.condition) }
        guard let target, condition != .cut else { return near.close(promise: nil) }
        keep(near)
        ClientBootstrap(group: near.eventLoop)
            .channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: target)
            .whenComplete { [weak self] result in
                guard let self, case .success(let far) = result else { return near.close(promise: nil) }
                keep(far)
                join(near, far)
            }
    }

    private func join(_ near: any Channel, _ far: any Channel) {
        let isOpen: @Sendable () -> Bool = { [weak self] in self?.state.withLock { $0.condition == .open } ?? false }
        _ = near.pipeline.addHandler(Forwarder(to: far, isOpen))
            .and(far.pipeline.addHandler(Forwarder(to: near, isOpen)))
            .flatMap { _ in near.setOption(.autoRead, value: true).and(far.setOption(.autoRead, value: true)) }
    }

    private func keep(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        state.withLock { $0.channels[id] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.state.withLock { _ = $0.channels.removeValue(forKey: id) }
        }
    }

    private final class Forwarder: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let other: any Channel
        private let isOpen: @Sendable () -> Bool

        init(to other: any Channel, _ isOpen: @escaping @Sendable () -> Bool) {
            self.other = other
            self.isOpen = isOpen
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if isOpen() { other.writeAndFlush(unwrapInboundIn(data), promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            // Of a host that is gone not even the end is heard.
            if isOpen() { other.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
