import ClusterState

/// Named so because every room has limits of its own.
typealias StateLimits = Limits
