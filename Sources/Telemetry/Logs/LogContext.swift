public import Logging

/// The ids under which work is done. They follow it through structured concurrency and stand on each of its log lines.
public struct LogContext: Hashable, Sendable {
    public var requestID: RequestID?
    public var trace: TraceContext?
    public var taskID: String?

    public init(requestID: RequestID? = nil, trace: TraceContext? = nil, taskID: String? = nil) {
        self.requestID = requestID
        self.trace = trace
        self.taskID = taskID
    }

    /// The context of the running task; empty outside of any.
    @TaskLocal public static var current = LogContext()

    /// What `LoggingSystem.bootstrap` is given, so that every logger adds the running task's ids.
    public static let metadataProvider = Logger.MetadataProvider { current.metadata }

    /// The ids as log metadata, for work outside structured concurrency, which has to carry its context itself.
    public var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        if let requestID { metadata[LogField.requestID] = .string(requestID.rawValue) }
        if let trace {
            metadata[LogField.traceID] = .string(trace.traceID.description)
            metadata[LogField.spanID] = .string(trace.spanID.description)
        }
        if let taskID { metadata[LogField.taskID] = .string(taskID) }
        return metadata
    }

    /// Runs the operation in this context, except that ids which are nil here stay as they are outside.
    public static func with<Result>(
        requestID: RequestID? = nil, trace: TraceContext? = nil, taskID: String? = nil,
        operation: () throws -> Result
    ) rethrows -> Result {
        try $current.withValue(inherited(requestID, trace, taskID), operation: operation)
    }

    /// Runs the operation in this context, except that ids which are nil here stay as they are outside.
    public static func with<Result>(
        requestID: RequestID? = nil, trace: TraceContext? = nil, taskID: String? = nil,
        isolation: isolated (any Actor)? = #isolation, operation: () async throws -> Result
    ) async rethrows -> Result {
        try await $current.withValue(inherited(requestID, trace, taskID), operation: operation, isolation: isolation)
    }

    private static func inherited(_ requestID: RequestID?, _ trace: TraceContext?, _ taskID: String?) -> LogContext {
        let outer = current
        return LogContext(
            requestID: requestID ?? outer.requestID, trace: trace ?? outer.trace, taskID: taskID ?? outer.taskID)
    }
}

/// The metadata keys that become fields of the line itself.
enum LogField {
    static let requestID = "request_id"
    static let traceID = "trace_id"
    static let spanID = "span_id"
    static let taskID = "task_id"
    /// What the node is at the moment.
    static let raftRole = "raft_role"
    static let raftTerm = "raft_term"
    static let topLevel = [raftRole, raftTerm, requestID, traceID, spanID, taskID]
}
