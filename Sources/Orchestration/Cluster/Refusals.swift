import Raft
import RaftServer
import Synchronization

/// The members that keep this node out for good: they know it with another data folder, or have removed it
/// (`design/state.md` 25).
///
/// One alone may be behind and not know what has been decided since. Once no quorum is left without them, this node can never be
/// a member with the folder that it has.
final class Refusals: Sendable {
    private let refusing = Mutex<[NodeID: HandshakeRefusal.Reason]>([:])

    func linkChanged(_ node: NodeID, _ change: LinkEvent) {
        switch change {
        case .up: refusing.withLock { $0[node] = nil }
        case .down(.handshake(.refusedByPeer(let refusal))):
            guard refusal.reason == .otherIncarnation || refusal.reason == .removed else { return }
            refusing.withLock { $0[node] = refusal.reason }
        case .down: break
        }
    }

    var isEmpty: Bool { refusing.withLock { $0.isEmpty } }

    func exclude(from membership: Membership) -> Bool {
        let refusing = refusing.withLock { $0 }
        return !refusing.isEmpty && !membership.isQuorum { refusing[$0] == nil }
    }

    func reason(for node: NodeID) -> String {
        let isRemoved = refusing.withLock { $0.values.contains(.removed) }
        return isRemoved ? Self.removed(node) : Self.otherFolder(node)
    }

    static func removed(_ node: NodeID) -> String {
        "member \(node) was removed from the cluster: to take part again it is added anew, with an empty data folder"
    }

    static func otherFolder(_ node: NodeID) -> String {
        "the cluster knows member \(node) with another data folder than this one: a member that has lost its folder has also "
            + "lost what it promised the others: it takes part again after `amas cluster replace \(node)`"
    }
}
