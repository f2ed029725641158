import Raft
import RaftServer
import Synchronization

/// The members that know this node with another data folder and keep it out for that (`design/state.md` 25).
///
/// One alone may be behind and still know a folder that has been replaced since. Once no quorum is left without them, this node
/// can never be a member with the folder that it has.
final class FolderRefusals: Sendable {
    private let refusing = Mutex<Set<NodeID>>([])

    func linkChanged(_ node: NodeID, _ change: LinkEvent) {
        switch change {
        case .up: refusing.withLock { _ = $0.remove(node) }
        case .down(.handshake(.refusedByPeer(let refusal))) where refusal.reason == .otherIncarnation:
            refusing.withLock { _ = $0.insert(node) }
        case .down: break
        }
    }

    var isEmpty: Bool { refusing.withLock { $0.isEmpty } }

    func exclude(from membership: Membership) -> Bool {
        let refusing = refusing.withLock { $0 }
        return !refusing.isEmpty && !membership.isQuorum { !refusing.contains($0) }
    }

    static func reason(_ node: NodeID) -> String {
        "the cluster knows member \(node) with another data folder than this one: a member that has lost its folder has also "
            + "lost what it promised the others, so it must be replaced, not wiped"
    }
}
