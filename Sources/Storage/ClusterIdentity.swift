public import ClusterState

/// Whose database it must be: checked in every transaction, read or write.
public struct ClusterIdentity: Hashable, Sendable {
    public let clusterID: String
    /// Databases of a newer one are refused.
    public let generation: UInt16

    public init(clusterID: String, generation: UInt16) {
        self.clusterID = clusterID
        self.generation = generation
    }

    /// Nil as long as the cluster has not been created.
    public init?(_ state: ClusterState) {
        guard let clusterID = state.clusterID else { return nil }
        self.init(clusterID: clusterID, generation: state.generation)
    }
}
