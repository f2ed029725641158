/// Which trace an operation belongs to, and which span of it: the W3C trace context. It travels with a request through
/// HTTP, log entries, peer frames, PostgreSQL comments and calls to providers.
public struct TraceContext: Hashable, Sendable {
    public let traceID: TraceID
    public let spanID: SpanID
    public let flags: TraceFlags
    public let state: TraceState

    public init(traceID: TraceID, spanID: SpanID, flags: TraceFlags, state: TraceState = .empty) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags.intersection(.known)
        self.state = state
    }

    /// From the numbers that a log entry's envelope carries; nil where an id is zero, which is how an envelope says
    /// that there is none.
    public init?(traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, flags: UInt8) {
        guard let trace = TraceID(high: traceIDHigh, low: traceIDLow), let span = SpanID(rawValue: spanID) else {
            return nil
        }
        self.init(traceID: trace, spanID: span, flags: TraceFlags(rawValue: flags))
    }

    /// The first span of a new trace.
    public static func root(sampled: Bool, using generator: inout some RandomNumberGenerator) -> TraceContext {
        TraceContext(
            traceID: .random(using: &generator), spanID: .random(using: &generator),
            flags: sampled ? [.sampled, .random] : .random)
    }

    /// A new span of the same trace, whose parent this one is.
    public func child(using generator: inout some RandomNumberGenerator) -> TraceContext {
        TraceContext(traceID: traceID, spanID: .random(using: &generator), flags: flags, state: state)
    }

    /// What the server's span of a request is: a child of the caller's if the headers are valid, else the root of a new
    /// trace.
    ///
    /// - Parameters:
    ///   - traceparent: The field's values as they came; more than one is invalid.
    ///   - tracestate: The field's values in order. Invalid ones are dropped without harm to the trace.
    ///   - sampled: Whether a new trace is sampled; a caller's decision is kept.
    public static func continuing(
        traceparent: [String], tracestate: [String], sampled: Bool = true,
        using generator: inout some RandomNumberGenerator
    ) -> TraceContext {
        guard traceparent.count == 1, let caller = TraceContext(traceparent: traceparent[0], tracestate: tracestate)
        else { return root(sampled: sampled, using: &generator) }
        return caller.child(using: &generator)
    }

    /// The `traceparent` header to send, 55 characters.
    public var traceparent: String {
        "00-\(traceID)-\(spanID)-\(hexadecimal(flags.rawValue))"
    }

    /// The `tracestate` header to send, nil when there is nothing to say.
    public var tracestate: String? { state.header }
}
