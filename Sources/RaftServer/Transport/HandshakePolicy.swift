import Raft

/// How a connection proves its owner.
enum PeerCredential: Equatable, Sendable {
    /// No TLS: the hello is taken at its word. For tests and benchmarks.
    case none
    /// The URI names of the certificate that TLS has verified against the cluster's authority.
    case certified(uriNames: [String])
}

/// The greatest process of a node that was here.
struct KnownProcess: Equatable, Sendable {
    var incarnation: Incarnation
    var boot: BootID
}

/// Decides whether a peer that said hello may stay. Both sides of a connection ask it; it does no I/O.
struct HandshakePolicy: Sendable {
    let own: Hello
    let isKnown: @Sendable (Hello) -> PeerTransport.Verdict

    /// The name that a node's certificate carries as a URI.
    static func certificateName(clusterID: String, node: NodeID) -> String { "amas://\(clusterID)/node/\(node)" }

    /// Why `hello` is not accepted; nil if it is.
    /// - Parameters:
    ///   - dialled: the node that the dialler wanted to reach; nil on the accepting side.
    ///   - known: the newest process of the claimed node that this transport has accepted.
    func refusal(
        of hello: Hello, credential: PeerCredential, dialled: NodeID?, known: KnownProcess?
    ) -> HandshakeRefusal? {
        if !own.protocolVersions.overlaps(hello.protocolVersions) {
            return refusal(
                .incompatibleProtocol, "speaks \(hello.protocolVersions), this node \(own.protocolVersions)")
        }
        if hello.clusterID != own.clusterID {
            return refusal(.otherCluster, "of cluster \(hello.clusterID), this node of \(own.clusterID)")
        }
        if hello.node == own.node || hello.node == NodeID(0) {
            return refusal(.ownIdentity, "claims node id \(hello.node)")
        }
        if let dialled, hello.node != dialled {
            return refusal(.wrongNode, "node \(hello.node) answers where node \(dialled) was dialled")
        }
        if let refusal = refusalOfCredential(credential, of: hello) { return refusal }
        if let refusal = refusalOfMember(hello) { return refusal }
        if let known, known.incarnation == hello.incarnation, hello.boot < known.boot {
            return refusal(.olderBoot, "boot \(hello.boot) of node \(hello.node), boot \(known.boot) was here")
        }
        return nil
    }

    /// Asked again of links that stand: a node may learn later than at the handshake whom the cluster knows.
    func refusalOfMember(_ hello: Hello) -> HandshakeRefusal? {
        switch isKnown(hello) {
        case .accepted: return nil
        case .unknownNode:
            return refusal(.unknownNode, "node \(hello.node) is not a member")
        case .removed:
            return refusal(.removed, "node \(hello.node) was removed from the cluster")
        case .otherIncarnation(let recorded):
            let both = "with incarnation \(recorded) of its folder, it came with \(hello.incarnation)"
            return refusal(
                .otherIncarnation, "the cluster knows node \(hello.node) \(both): it must be replaced, not wiped")
        }
    }

    private func refusalOfCredential(_ credential: PeerCredential, of hello: Hello) -> HandshakeRefusal? {
        switch credential {
        case .none:
            return nil
        case .certified(let names):
            let wanted = Self.certificateName(clusterID: hello.clusterID, node: hello.node)
            if names.contains(wanted) { return nil }
            let found = names.isEmpty ? "no URI" : names.joined(separator: " ")
            return refusal(.certificateNamesAnother, "claims \(wanted), certificate names \(found)")
        }
    }

    private func refusal(_ reason: HandshakeRefusal.Reason, _ detail: String) -> HandshakeRefusal {
        HandshakeRefusal(reason: reason, detail: detail)
    }
}
