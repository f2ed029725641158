/// Told what the pool does, for metrics. Calls come from the pool's threads and callers' tasks, several at once, and must
/// return quickly; an observer that blocks holds up a connection.
public protocol PostgresObserver: Sendable {
    /// A request has its answer, or was refused.
    func requestFinished(_ report: PostgresRequestReport)
    /// A connection was opened, lost or could not be opened.
    func connectionChanged(_ change: PostgresConnectionChange)
}

/// One finished request.
public struct PostgresRequestReport: Sendable {
    /// What the caller named it; one of a small fixed set, as it becomes a label.
    public var operation: StaticString
    /// From the call until a connection took it up; until its end for one that none did.
    public var queued: Duration
    /// From there to the answer; zero for one that no connection took up.
    public var ran: Duration
    /// Why it failed, or nil.
    public var failure: PostgresError?
}

/// What happened to one of the pool's connections.
public enum PostgresConnectionChange: Sendable, Equatable {
    case opened
    /// It stood and broke, or was closed because its server did not answer.
    case lost(reason: String)
    /// An attempt to open it failed.
    case refused(reason: String)
}

/// How a pool is used at this moment.
public struct PostgresPoolUsage: Sendable, Equatable {
    /// Connections that the pool would have.
    public var connections: Int
    /// Connections that stand.
    public var connected: Int
    /// Connections that run a request or are held by a transaction.
    public var busy: Int
    /// Requests that wait for a connection.
    public var queued: Int
}
