public import Raft

/// What happens to the link to one peer. It concerns the connection that this node sends on.
public enum LinkEvent: Equatable, Sendable {
    /// Both sides know each other; frames can be sent. May follow another `up` when a newer connection took over.
    case up(Hello)
    /// Frames cannot be sent. Reported again at every failed dial, so that who needs to know hears it afresh.
    case down(LinkDownCause)
}

/// Why a link is down, as far as this node can know.
public enum LinkDownCause: Equatable, Sendable {
    /// An established connection was closed by the other side (FIN or RST). Its process ended or closed us: suspect at
    /// once.
    case closed
    /// A dial was refused: the host answers and no process listens. The process is dead.
    case refused
    /// A dial got no answer, or an established connection was silent for the limit. The process may live.
    case timeout
    /// No way to the host: no route, no such name.
    case unreachable(String)
    /// The two do not fit together, or one could not prove who it is.
    case handshake(HandshakeFailure)
    /// The peer sent what is not a frame of ours, or one past the limit.
    case violation(String)
    /// The peer's process was started anew while the old link still stood: the process behind the old link is dead.
    case replaced(by: BootID)
    /// `setPeers` no longer names the peer.
    case removed
}

/// Why two connected processes did not become a link.
public enum HandshakeFailure: Equatable, Sendable {
    /// TLS failed: wrong authority, expired certificate, one side speaks plaintext.
    case tls(String)
    /// No hello within the limit.
    case silent
    /// Closed before a hello.
    case closed
    case refusedHere(HandshakeRefusal)
    case refusedByPeer(HandshakeRefusal)
}

/// Why one side does not want the other. Sent to the other side, so that both logs tell the same.
public struct HandshakeRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: UInt16, Sendable {
        /// A reason of a later release.
        case other = 0
        case unreadableHello = 1
        case incompatibleProtocol = 2
        case otherCluster = 3
        /// The peer claims this node's own id.
        case ownIdentity = 4
        /// Another node answers at the address than the one that was dialled.
        case wrongNode = 5
        /// The certificate does not name the node that the hello claims.
        case certificateNamesAnother = 6
        case unknownNode = 7
        /// The node came back with another data folder (`design/state.md` 25): it must be replaced, not wiped.
        case otherIncarnation = 8
        /// A newer process of the same node was here already.
        case olderBoot = 9
        case tooManyLinks = 10
        /// The cluster has removed the node.
        case removed = 11
    }

    public var reason: Reason
    /// For people: what was expected and what came.
    public var detail: String

    public init(reason: Reason, detail: String) {
        self.reason = reason
        self.detail = detail
    }

    public var description: String { "\(reason): \(detail)" }
}
