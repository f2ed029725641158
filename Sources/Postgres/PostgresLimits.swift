/// Every bound of this room, with the default that a node uses.
///
/// | Limit | Unit | What happens beyond |
/// |---|---|---|
/// | `queuedRequests` | requests | `PostgresError.overloaded` at once |
/// | `queuedRequestsPerConnection` | requests | `PostgresError.overloaded` at once |
/// | `batchStatements`, `batchBytes`, `statementParameters` | count, bytes | `PostgresError.limitExceeded` at once |
/// | `resultBytes` | bytes | `PostgresError.limitExceeded`, the rows are freed |
/// | `preparedStatements` | statements | the least recently used one is deallocated |
/// | `longestDeadline`, `longestLease` | time | longer wishes are cut to it |
/// | `cancelGrace`, `cancelsInFlight` | time, count | the connection is closed instead |
/// | `longestReconnectDelay` | time | the back-off grows no further |
/// | `errorTextCharacters` | characters | the text is cut |
public struct PostgresLimits: Sendable, Equatable {
    /// Requests that may wait for a free connection. A thousand at 1 ms each are a quarter of a second with four
    /// connections: whoever comes later is better told at once.
    public var queuedRequests = 1024
    /// Requests that may wait inside one transaction or exclusive connection, which has one owner.
    public var queuedRequestsPerConnection = 16
    /// Statements in one pipeline.
    public var batchStatements = 1000
    /// SQL text and values of one request together, in bytes. They are copied into libpq's send buffer as a whole.
    public var batchBytes = 16 << 20
    /// Values of one statement; the protocol counts them in 16 bits.
    public var statementParameters = 65_535
    /// Memory of all results of one request, in bytes. libpq collects a result before it can be looked at, so this
    /// bounds what is handed on and kept; a query over a large table needs a LIMIT of its own.
    public var resultBytes = 64 << 20
    /// Prepared statements kept per connection.
    public var preparedStatements = 256
    /// Deadline of a request that names none, from the call to its result, time in the queue included.
    public var defaultDeadline = Duration.seconds(5)
    /// The longest deadline of a request outside a transaction. The server is told to give up a second later, which
    /// ends what a vanished node has left running.
    public var longestDeadline = Duration.seconds(60)
    /// How long a transaction may hold its connection when the caller names no time.
    public var defaultLease = Duration.seconds(30)
    /// The longest time that a transaction or an exclusive connection may be held.
    public var longestLease = Duration.seconds(600)
    /// After a deadline or a cancellation the server is asked to cancel; this long its answer is waited for, so that the
    /// outcome is known and the connection can be used again. Then the connection is closed.
    public var cancelGrace = Duration.milliseconds(250)
    /// Cancel requests that may be under way at once; each has a thread, and one to a halted server stays until that
    /// server goes on or dies.
    public var cancelsInFlight = 4
    /// Delay after the first failed attempt to connect; it doubles from there.
    public var firstReconnectDelay = Duration.milliseconds(100)
    /// The back-off's cap, which is also how long PostgreSQL may be back before it is noticed.
    public var longestReconnectDelay = Duration.seconds(2)
    /// How often an unused connection is looked at, so that a server that went away is noticed without traffic.
    public var idleCheckInterval = Duration.seconds(1)
    /// Characters kept of a text that came from the server or libpq.
    public var errorTextCharacters = 1024

    /// The documented defaults.
    public init() {}
}

/// A limit that a request went past, named for the caller who must make it smaller.
public enum PostgresLimit: Sendable, Equatable {
    case batchStatements
    case batchBytes
    case statementParameters
    case resultBytes
}
