import Glibc
import NIOCore

/// Keeps a connection from the processes that this one starts: NIO's sockets pass to them, and a child that outlives a killed node
/// would hold its clients' connections open, so that they learn of the death by silence instead of at once.
final class CloseOnExec: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    func handlerAdded(context: ChannelHandlerContext) {
        do {
            try Self.set(context.channel)
        } catch {
            context.fireErrorCaught(error)
        }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    /// On the channel's event loop.
    static func set(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { descriptor in
            guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else { throw IOError(errnoCode: errno, reason: "fcntl") }
        }
    }
}
