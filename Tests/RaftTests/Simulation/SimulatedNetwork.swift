@testable import Raft

/// Directed links between nodes. A link carries messages unless it is cut; that a connection closed or opened is told apart
/// from whether messages pass, because real ones differ in time and sometimes in truth.
struct SimulatedNetwork {
    struct Link {
        /// Messages disappear silently.
        var isCut = false
        /// What the sender was last told of its connection.
        var isUp = false
        /// A later message is not delivered before it, unless the network reorders.
        var lastDelivery: UInt64 = 0
    }

    private var links: [Link]
    private let count: Int

    init(nodes: Int) {
        count = nodes
        links = Array(repeating: Link(), count: nodes * nodes)
    }

    subscript(from: NodeID, to: NodeID) -> Link {
        get { links[(Int(from.rawValue) - 1) * count + Int(to.rawValue) - 1] }
        set { links[(Int(from.rawValue) - 1) * count + Int(to.rawValue) - 1] = newValue }
    }
}
