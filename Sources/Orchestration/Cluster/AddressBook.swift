import ClusterState
import Raft
import RaftServer
import Synchronization

/// Where this node reaches the others: those of the configuration in force, and those that shall be in it.
final class AddressBook: Sendable {
    private let configured: [NodeID: PeerAddress]
    private let book: Mutex<[NodeID: PeerAddress]>

    init(configured: [NodeID: PeerAddress]) {
        self.configured = configured
        book = Mutex(configured)
    }

    var current: [NodeID: PeerAddress] { book.withLock { $0 } }

    /// Returns whether anything has changed.
    func update(own: NodeID, _ membership: Membership, _ state: ClusterState) -> Bool {
        // A node that shall join knows nobody yet but those that it was told of.
        guard !membership.voters.isEmpty else { return false }
        let nodes = Set(membership.members + state.members.map(\.id)).subtracting([own])
        var new: [NodeID: PeerAddress] = [:]
        for node in nodes { new[node] = address(of: node, state) }
        return book.withLock { book in
            guard book != new else { return false }
            book = new
            return true
        }
    }

    /// What the operator says is how this node gets there; what a member says of itself may be an address that it only listens on.
    func address(of node: NodeID, _ state: ClusterState) -> PeerAddress? {
        if let address = configured[node] { return address }
        if let address = state.member(node).flatMap({ PeerAddress($0.record.peerAddress) }) { return address }
        return state.node(node).flatMap { PeerAddress($0.record.peerAddress) }
    }
}
