public import ClusterState

/// The trace in the replicated schema; `Telemetry` has a type of the same name, and the room's own name is that of a
/// type.
public typealias RecordedTrace = TraceContext
