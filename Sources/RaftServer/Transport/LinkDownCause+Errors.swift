import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// What the errors of NIO and of the kernel mean for a link.
extension LinkDownCause {
    /// A dial that did not become a connection.
    init(dialError error: any Error) {
        switch error {
        case let error as IOError:
            self.init(dialErrno: error.errnoCode, description: "\(error)")
        case ChannelError.connectTimeout:
            self = .timeout
        case let error as NIOConnectionError:
            self.init(resolved: error)
        default:
            self = .unreachable("\(error)")
        }
    }

    /// A name with several addresses: refused only if every one of them refused, because a live process behind one of
    /// them that does not answer is no dead process.
    private init(resolved error: NIOConnectionError) {
        let causes = error.connectionErrors.map { LinkDownCause(dialError: $0.error) }
        if causes.isEmpty {
            self = .unreachable("\(error)")
        } else if causes.allSatisfy({ $0 == .refused }) {
            self = .refused
        } else {
            self = causes.first { $0 != .refused } ?? .timeout
        }
    }

    private init(dialErrno code: CInt, description: String) {
        switch code {
        case ECONNREFUSED: self = .refused
        case ETIMEDOUT: self = .timeout
        // The listener went away between the two handshakes of TCP and of ours: not established, and not known to be
        // dead.
        case ECONNRESET, EPIPE: self = .handshake(.closed)
        default: self = .unreachable(description)
        }
    }

    /// A connection that fell before both hellos.
    init(greetingError error: any Error) {
        switch error {
        case let error as IOError:
            self = error.errnoCode == ETIMEDOUT ? .timeout : .handshake(.closed)
        case NIOSSLError.uncleanShutdown:
            self = .handshake(.closed)
        default:
            self = .handshake(HandshakeFailure(tlsError: error))
        }
    }

    /// A connection that fell after both hellos.
    init(establishedError error: any Error) {
        switch error {
        case let error as IOError where error.errnoCode == ETIMEDOUT: self = .timeout
        default: self = .closed
        }
    }
}
