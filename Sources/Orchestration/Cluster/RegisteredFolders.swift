import ClusterState
import Raft
import RaftServer

/// The data folders with which nodes made themselves members, by what entries of the log say. Of several for one node the first
/// counts, as it does when they are applied.
struct RegisteredFolders: Sendable {
    private var folders: [NodeID: Incarnation] = [:]

    init() {}

    /// Reads entries that may not be committed yet: a node needs to know whom it believes before it learns what is.
    init(in entries: [Entry]) {
        for entry in entries where entry.kind == .command {
            // Nodes register outside any session, and hardly anything else does: the many others need no decoding.
            guard let envelope = try? Envelope(decoding: entry.data[...]), envelope.session == nil,
                let command = try? Command(decoding: envelope), case .nodeAvailable(let node)? = command.body,
                folders[NodeID(node.nodeID)] == nil
            else { continue }
            folders[NodeID(node.nodeID)] = Incarnation(node.incarnation)
        }
    }

    subscript(node: NodeID) -> Incarnation? { folders[node] }
}
