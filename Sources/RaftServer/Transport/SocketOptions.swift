import CPlatform
import Glibc
import NIOCore
import NIOPosix

/// The options of every peer socket.
///
/// Nagle's algorithm is off, because a heartbeat must not wait for an acknowledgement. Keepalive (5 s idle, 4 s apart,
/// 3 times) and `TCP_USER_TIMEOUT` bound half-open connections in the kernel; pings find them sooner while the process
/// runs.
enum SocketOptions {
    private static let keepaliveIdleSeconds = 5
    private static let keepaliveIntervalSeconds = 4
    private static let keepaliveProbes = 3

    private static func all(_ limits: PeerTransport.Limits) -> [(ChannelOptions.Types.SocketOption, Int)] {
        let userTimeout = Int(clamping: limits.unacknowledgedLimit.nanoseconds / 1_000_000)
        return [
            (.init(level: .tcp, name: .tcp_nodelay), 1),
            (.init(level: .socket, name: .so_keepalive), 1),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPIDLE)), keepaliveIdleSeconds),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPINTVL)), keepaliveIntervalSeconds),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPCNT)), keepaliveProbes),
            (.init(level: .tcp, name: .init(rawValue: TCP_USER_TIMEOUT)), userTimeout),
        ]
    }

    private static func allocator(_ limits: PeerTransport.Limits) -> AdaptiveRecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 16 * 1024, maximum: limits.readBytes)
    }

    /// Keeps the socket from the processes that this one starts. NIO's sockets pass to them, and a child that outlives
    /// a killed node would hold its connections open: no FIN, and the peers learn of the death by silence instead of at
    /// once.
    static func closeOnExec(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { descriptor in
            guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else { throw IOError(errnoCode: errno, reason: "fcntl") }
        }
    }

    static func apply(_ limits: PeerTransport.Limits, to bootstrap: ClientBootstrap) -> ClientBootstrap {
        let base = bootstrap.channelOption(.recvAllocator, value: allocator(limits))
        return all(limits).reduce(base) { $0.channelOption($1.0, value: $1.1) }
    }

    static func apply(_ limits: PeerTransport.Limits, to bootstrap: ServerBootstrap) -> ServerBootstrap {
        let base = bootstrap.childChannelOption(.recvAllocator, value: allocator(limits))
        return all(limits).reduce(base) { $0.childChannelOption($1.0, value: $1.1) }
    }
}
