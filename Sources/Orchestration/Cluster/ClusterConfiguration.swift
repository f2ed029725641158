public import ClusterState
public import Raft
public import RaftServer

/// How this process takes part in the cluster.
public struct ClusterConfiguration: Sendable {
    public var server: RaftServerConfiguration
    /// What people call this node, in `/api/v1/cluster` and in scripts.
    public var name: String
    /// The names of all configured members, until their own word is in the state.
    public var memberNames: [NodeID: String]
    /// Tasks that may run here at once.
    public var slots: UInt32
    /// Where clients reach this node.
    public var httpAddress: String
    /// The settings of a new cluster; once it exists, its log holds them.
    public var settings: Settings
    public var limits = ClusterLimits()

    public init(
        server: RaftServerConfiguration, name: String, slots: UInt32, httpAddress: String, settings: Settings
    ) {
        self.server = server
        self.name = name
        self.slots = slots
        self.httpAddress = httpAddress
        self.settings = settings
        memberNames = [:]
    }
}

/// Intervals of what a node does for the cluster on its own account.
public struct ClusterLimits: Sendable {
    /// Silence after which a node is gone, and after which an executor stops what runs and starts nothing new (`design/state.md` 15, 16).
    public var detectionMilliseconds: UInt64 = 1000
    /// A node that has not heard the leader for this long is not ready.
    public var readyMilliseconds: UInt64 = 3000
    /// A node that is further behind the last known commit is not ready.
    public var readyLagEntries: UInt64 = 10_000
    public var dutyMilliseconds: UInt64 = 25
    /// A command outside a session is proposed again if its effect has not shown after this.
    public var repeatMilliseconds: UInt64 = 300
    /// The longest wait before a node says again that it shall get no tasks.
    public var suspensionRepeatMilliseconds: UInt64 = 10_000
    public var hashReportMilliseconds: UInt64 = 50
    /// A leader tells the others this often what it knows of the members; at once when one is lost or has caught up.
    public var memberReportIntervalMilliseconds: UInt64 = 1000
    /// An older report counts for nothing: a node then says what it knows by itself.
    public var memberReportMilliseconds: UInt64 = 3000
    /// A member that is further behind the last commit is not counted on when another fails.
    public var memberLagEntries: UInt64 = 1000
    public var readMilliseconds: UInt64 = 5000
    /// How long whoever asks for another leader waits for it.
    public var transferMilliseconds: UInt64 = 5000
    /// How long a node that stops waits for its goodbye to be applied.
    public var leaveMilliseconds: UInt64 = 1000

    public init() {}
}
