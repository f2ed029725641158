public import ClusterState

/// The replicated settings; named so because Raft has settings of its own.
public typealias ClusterSettings = Settings
