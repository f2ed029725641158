public import Raft
public import RaftServer

/// A node's view of the cluster, for health, readiness and `/api/v1/cluster`.
public struct ClusterStatus: Sendable {
    public var name: String
    public var identity: ServerIdentity
    public var server: ServerStatus
    public var links: [LinkStatus]
    public var members: ClusterMembers
    public var isDraining: Bool
    /// Nil if the node is ready; otherwise why it is not, as a short sentence.
    public var unreadyReason: String?

    public var standing: Standing { server.standing }
    /// A node that was taken out of the cluster's work leads nothing, whatever it was before.
    public var isLeader: Bool { server.standing.role == .leader && server.halted == nil }
}
