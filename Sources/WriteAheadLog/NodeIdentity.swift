/// Who a data folder belongs to; kept in the file `identity` beside the segments and repeated in every segment's
/// header.
///
/// A vote binds a node for ever, so a node must know that its disk is the one that voted. A folder that was wiped,
/// swapped or copied from a neighbour is refused instead of being trusted (pitfall P22).
public struct NodeIdentity: Equatable, Sendable {
    public var clusterID: String
    public var nodeID: UInt64
    /// Random, chosen once when the folder is made: the same node on another disk is another incarnation.
    public var incarnation: UInt64
    /// The number of the folder's latest run; 0 while the folder is being made. Raised and synced before `DurableLog.open` returns, so a later
    /// run always has the greater value.
    public var boot: UInt64
    /// Made for a cluster that there is already: with an empty log the node is nobody's voter, whatever its configuration says,
    /// or the members that have lost their disks could found the cluster a second time beside those that have not.
    public var joins: Bool

    /// Bytes of UTF-8 that a cluster id may have.
    public static let maximumClusterIDBytes = 128

    public init(clusterID: String, nodeID: UInt64, incarnation: UInt64, boot: UInt64, joins: Bool = false) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.incarnation = incarnation
        self.boot = boot
        self.joins = joins
    }
}

/// Who wants to use a folder.
public struct LogOwner: Equatable, Sendable {
    public var clusterID: String
    public var nodeID: UInt64
    /// The Raft group whose log this is.
    public var group: UInt32

    public init(clusterID: String, nodeID: UInt64, group: UInt32 = 0) {
        precondition(clusterID.utf8.count <= NodeIdentity.maximumClusterIDBytes, "configuration checks the cluster id")
        precondition(!clusterID.isEmpty && nodeID != 0, "an owner has a cluster, and node 0 means nobody")
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.group = group
    }
}
