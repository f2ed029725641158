public import Raft

/// What a node says of itself before anything else passes over a connection, in both directions.
public struct Hello: Equatable, Sendable {
    /// Frame protocols that the node speaks; the greatest that both speak is used.
    public var protocolVersions: ClosedRange<UInt16>
    public var clusterID: String
    public var node: NodeID
    public var incarnation: Incarnation
    public var boot: BootID
    /// The greatest `machine_version` that the node can apply.
    public var machineVersionMax: UInt32
    public var softwareVersion: String
    /// Where the node wants to be dialled.
    public var address: PeerAddress
    /// Up to which entry the node's state says that the cluster knows it by this folder; zero if it does not say so. A member that
    /// has not come so far may know of a folder before.
    public var recognizedAt: LogIndex

    public init(
        protocolVersions: ClosedRange<UInt16>, clusterID: String, node: NodeID, incarnation: Incarnation, boot: BootID,
        machineVersionMax: UInt32, softwareVersion: String, address: PeerAddress, recognizedAt: LogIndex = .zero
    ) {
        self.protocolVersions = protocolVersions
        self.clusterID = clusterID
        self.node = node
        self.incarnation = incarnation
        self.boot = boot
        self.machineVersionMax = machineVersionMax
        self.softwareVersion = softwareVersion
        self.address = address
        self.recognizedAt = recognizedAt
    }
}
