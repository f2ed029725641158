public import Raft

/// One life of a node's data folder. A wiped disk comes back under another one and may not vote until it was replaced
/// (`design/raft.md` §1.7, `design/state.md` 25).
public struct Incarnation: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue, radix: 16) }
}

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

    public init(
        protocolVersions: ClosedRange<UInt16>, clusterID: String, node: NodeID, incarnation: Incarnation, boot: BootID,
        machineVersionMax: UInt32, softwareVersion: String, address: PeerAddress
    ) {
        self.protocolVersions = protocolVersions
        self.clusterID = clusterID
        self.node = node
        self.incarnation = incarnation
        self.boot = boot
        self.machineVersionMax = machineVersionMax
        self.softwareVersion = softwareVersion
        self.address = address
    }
}
