public import ClusterState
public import Telemetry

extension Telemetry.TraceContext {
    /// Nil if the request that made the task had none.
    public init?(_ trace: RecordedTrace) {
        self.init(
            traceIDHigh: trace.traceIDHigh, traceIDLow: trace.traceIDLow, spanID: trace.spanID,
            flags: UInt8(truncatingIfNeeded: trace.flags))
    }
}
