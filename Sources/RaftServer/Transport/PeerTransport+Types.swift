public import NIOCore
public import Raft

extension PeerTransport {
    /// Who this process is. All of it is durable before the transport starts.
    public struct Identity: Sendable {
        public var clusterID: String
        public var node: NodeID
        public var incarnation: Incarnation
        public var boot: BootID
        public var machineVersionMax: UInt32
        public var softwareVersion: String

        public init(
            clusterID: String, node: NodeID, incarnation: Incarnation, boot: BootID, machineVersionMax: UInt32,
            softwareVersion: String
        ) {
            self.clusterID = clusterID
            self.node = node
            self.incarnation = incarnation
            self.boot = boot
            self.machineVersionMax = machineVersionMax
            self.softwareVersion = softwareVersion
        }
    }

    public struct Configuration: Sendable {
        /// Where to accept peers. Port 0 takes any free one.
        public var listen: PeerAddress
        /// What the hello tells others to dial. Nil: the address that was bound.
        public var advertised: PeerAddress?
        public var limits: Limits

        public init(listen: PeerAddress, advertised: PeerAddress? = nil, limits: Limits = Limits()) {
            self.listen = listen
            self.advertised = advertised
            self.limits = limits
        }
    }

    /// Paths of PEM files: the node's chain and key, and the authorities that its peers' certificates come from.
    public struct TLSFiles: Sendable {
        public var certificate: String
        public var privateKey: String
        public var authorities: String

        public init(certificate: String, privateKey: String, authorities: String) {
            self.certificate = certificate
            self.privateKey = privateKey
            self.authorities = authorities
        }
    }

    /// Whether a node belongs to the cluster, as the caller's replicated configuration has it.
    public enum Verdict: Equatable, Sendable {
        case accepted
        case unknownNode
        /// The node was a member and is none any more.
        case removed
        /// The node is a member under another data folder, the recorded one.
        case otherIncarnation(Incarnation)
    }

    /// What the transport tells its user. All of it is called on the transport's thread and must return quickly: hand
    /// over to a mailbox. Nothing is called after `stop` has returned.
    public struct Callbacks: Sendable {
        /// Asked once for each connection, in both directions.
        public var isKnown: @Sendable (Hello) -> Verdict
        /// What this node says of itself: see `Hello`.
        public var recognizedAt: @Sendable () -> LogIndex
        /// A frame arrived. The payload shares its storage with what was read from the socket; copy what is kept for
        /// long. A frame that is `held` counts against `Limits.inboundBytes` until `release`.
        public var frame: @Sendable (_ from: NodeID, _ boot: BootID, FrameKind, _ payload: ByteBuffer) -> FrameReceipt
        /// All frames of one read were handed over: the moment to wake the mailbox's owner.
        public var readComplete: @Sendable () -> Void
        public var link: @Sendable (NodeID, LinkEvent) -> Void
        /// After `send` answered `full` for a bulk frame: half of the bulk allowance is free again. Not called if the
        /// link goes down meanwhile; then `up` comes.
        public var bulkReady: @Sendable (NodeID) -> Void

        public init(
            isKnown: @escaping @Sendable (Hello) -> Verdict,
            recognizedAt: @escaping @Sendable () -> LogIndex = { .zero },
            frame:
                @escaping @Sendable (_ from: NodeID, _ boot: BootID, FrameKind, _ payload: ByteBuffer) -> FrameReceipt,
            readComplete: @escaping @Sendable () -> Void = {},
            link: @escaping @Sendable (NodeID, LinkEvent) -> Void,
            bulkReady: @escaping @Sendable (NodeID) -> Void = { _ in }
        ) {
            self.isKnown = isKnown
            self.recognizedAt = recognizedAt
            self.frame = frame
            self.readComplete = readComplete
            self.link = link
            self.bulkReady = bulkReady
        }
    }

    /// What became of a frame.
    public enum FrameReceipt: Sendable {
        /// It is dealt with.
        case done
        /// It waits somewhere: `release` follows.
        case held
    }

    public enum Priority: Sendable {
        /// Dropped when the link is full: Raft sends a newer one.
        case ordinary
        /// Snapshot parts and the like: turned away when too much of it waits, so that ordinary frames stay quick.
        case bulk
    }

    public enum SendOutcome: Equatable, Sendable {
        /// It leaves in order with the other frames of this link, unless the link goes down first.
        case queued
        /// No link to that node now.
        case linkDown
        /// The link's limit is reached. An ordinary frame is dropped and counted; for a bulk frame `bulkReady` follows.
        case full
        /// Past `Limits.maximumFrameBytes`.
        case tooLarge
    }
}

/// What keeps a transport from starting or from using new certificates.
public enum PeerTransportError: Error, Equatable, Sendable, CustomStringConvertible {
    case cannotListen(PeerAddress, reason: String)
    case certificates(reason: String)
    /// An identity or address that no hello can carry.
    case invalidIdentity(reason: String)
    case alreadyStarted
    case stopped

    public var description: String {
        switch self {
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        case .certificates(let reason): "\(reason)"
        case .invalidIdentity(let reason): "the node's identity cannot be told to others: \(reason)"
        case .alreadyStarted: "the links run already"
        case .stopped: "the links are stopped"
        }
    }
}
