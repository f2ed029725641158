import NIOSSL

// Why a link is down, in an operator's words.

extension LinkDownCause: CustomStringConvertible {
    public var description: String {
        switch self {
        case .closed: "the other side closed the connection"
        case .refused: "connection refused: nothing listens there"
        case .timeout: "no answer in time"
        case .unreachable(let reason): "no way there: \(reason)"
        case .handshake(let failure): "\(failure)"
        case .violation(let reason): "the peer sent what no member sends: \(reason)"
        case .replaced(let boot): "the peer was started anew, as boot \(boot)"
        case .removed: "it is no peer any more"
        }
    }
}

extension HandshakeFailure: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tls(let reason): "TLS failed: \(reason)"
        case .silent: "connected, but no greeting in time"
        case .closed: "closed before a greeting"
        case .refusedHere(let refusal): "refused here: \(refusal)"
        case .refusedByPeer(let refusal): "refused by the peer: \(refusal)"
        }
    }

    /// A failure of TLS, or of the system below it.
    init(tlsError error: any Error) {
        switch error {
        case NIOSSLError.handshakeFailed(.sslError(let causes)):
            self = .tls(causes.isEmpty ? "no reason given" : causes.map { "\($0)" }.joined(separator: "; "))
        case NIOSSLError.handshakeFailed(let cause): self = .tls("\(cause)")
        default: self = .tls("\(error)")
        }
    }
}

extension HandshakeRefusal.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .other: "for a reason of a later release"
        case .unreadableHello: "unreadable greeting"
        case .incompatibleProtocol: "no protocol version in common"
        case .otherCluster: "another cluster"
        case .ownIdentity: "this node's own id"
        case .wrongNode: "another node than expected"
        case .certificateNamesAnother: "certificate of another node"
        case .unknownNode: "not a member"
        case .otherIncarnation: "another data folder"
        case .olderBoot: "older process"
        case .tooManyLinks: "too many connections"
        case .removed: "removed from the cluster"
        }
    }
}

extension FrameError: CustomStringConvertible {
    var description: String {
        switch self {
        case .unknownFormatVersion(let version): "frame format \(version)"
        case .unknownFlags(let flags): "frame flags 0x\(String(flags, radix: 16))"
        case .otherGroup(let group): "a frame of group \(group)"
        case .tooLarge(let bytes, let limit): "a frame of \(bytes) bytes, limit: \(limit)"
        case .checksumMissing: "a frame without checksum"
        case .checksumMismatch: "a frame with a wrong checksum"
        case .unexpectedKind(let kind): "a frame of kind \(kind.rawValue) out of place"
        }
    }
}

extension Hello.DecodingError: CustomStringConvertible {
    var description: String {
        switch self {
        case .truncated: "cut short"
        case .notUTF8: "text that is not UTF-8"
        case .emptyVersionRange: "an empty range of versions"
        }
    }
}
