public import Raft
public import RaftServer

/// A node's view of the cluster, for health, readiness and `/api/v1/cluster`.
public struct ClusterStatus: Sendable {
    public var name: String
    public var identity: ServerIdentity
    public var server: ServerStatus
    public var links: [LinkStatus]
    public var isDraining: Bool
    /// Nil if the node is ready; otherwise why it is not, as a short sentence.
    public var unreadyReason: String?

    public var standing: Standing { server.standing }
    public var isLeader: Bool { server.standing.role == .leader }
    /// This node has no leader that it heard lately: nothing new should be begun here.
    public func isFenced(_ limits: ClusterLimits) -> Bool {
        guard server.halted == nil, let silence = server.millisecondsSinceLeaderContact else { return true }
        return silence >= limits.detectionMilliseconds
    }
}
