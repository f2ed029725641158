public import Raft

/// The replicated state of the cluster: what is accepted, who does what, and what the world has not been told yet.
///
/// A value. `apply` is the only thing that changes it, is the same on every node, and answers every entry in every state.
/// Copies are free (`OrderedMap`), so that readers and snapshots work on one while the owner applies on.
///
/// One thread owns the value that is applied to. Copies may be read from any thread.
public struct ClusterState: Sendable {
    /// The newest machine version whose meaning this build knows.
    public static let supportedMachineVersion: UInt32 = 5

    /// The newest machine version that this value applies: that of the build, or an older one that it stands in for. Not
    /// replicated.
    public let supportedVersion: UInt32
    /// Where the bytes of payloads are that do not lie in the tables. Apply never asks. Not replicated.
    public var payloadSource: (any PayloadSource)?
    let limits: Limits
    var tables = Tables()
    var indexes = Indexes()
    var position = Position()
    var entry = EntryScratch()

    /// Where in the log the state stands. Beside the tables this is all that is replicated.
    struct Position: Sendable {
        var index = LogIndex.zero
        var term = Term.zero
        var hash = StateHash.zero
        var now = ClusterTime.zero
        var wallTime: UInt64 = 0
        /// The newest event that has left the window.
        var windowFloor = EventOffset.zero
        /// Of the last entries, for comparison with members that are ahead or behind. Not replicated.
        var recentHashes = OrderedMap<UInt64, StateHash>()
    }

    /// The state before the first entry of a log.
    ///
    /// - Parameters:
    ///   - limits: `version1`; tests pass smaller ones.
    ///   - version: what is newer stops this value with `UpgradeRequired`, as it would a build that knows no newer one.
    public init(limits: Limits = .version1, supporting version: UInt32 = ClusterState.supportedMachineVersion) {
        precondition((1...Self.supportedMachineVersion).contains(version), "this build knows these versions")
        supportedVersion = version
        self.limits = limits
    }

    /// The last entry applied.
    public var index: LogIndex { position.index }
    /// The term of that entry.
    public var term: Term { position.term }
    /// The chain's hash after that entry.
    public var hash: StateHash { position.hash }
    /// The chain's hash after an earlier entry; nil if it is no longer known here (the last 1,024 are).
    public func hash(at index: LogIndex) -> StateHash? { position.recentHashes[index.rawValue] }
    /// Cluster time of the last entry.
    public var now: ClusterTime { position.now }
    /// Wall time of the last entry, microseconds since 1970, for display.
    public var wallTimeMicroseconds: UInt64 { position.wallTime }

    var isCreated: Bool { indexes.clusterID != nil }
    /// Nil before ClusterCreated.
    public var clusterID: String? { indexes.clusterID }
    public var generation: UInt16 { indexes.generation }
    /// How far this state has come, comparable over the life of the cluster.
    public var revision: Revision { Revision(generation: generation, index: index) }
    /// The version whose meaning commands have now.
    public var machineVersion: UInt32 { indexes.machineVersion }
    /// With every value filled in.
    public var settings: Settings { indexes.settings }
    /// The newest revision up to which PostgreSQL is known to have everything that was offered to it.
    public var projectedThrough: Revision { Revision(rawValue: tables.cluster[SingleKey()]?.projectedThrough ?? 0) }
    public var totals: TotalsRecord { tables.totals[SingleKey()] ?? TotalsRecord() }

    /// The revision of what the current entry changes.
    var currentRevision: Revision { Revision(generation: generation, index: position.index) }
}
