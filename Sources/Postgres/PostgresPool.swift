public import Logging

/// A fixed number of connections to PostgreSQL, each with a thread of its own, behind one bounded queue.
///
/// Callers may be on any thread or task and never block: they await. The pool connects and reconnects by itself, with a
/// growing, randomly shortened delay. While no connection stands, requests fail at once with `PostgresError.unavailable`,
/// so that callers can do without the database; the first attempt after `init` is waited for.
///
/// When a call returns without error outside `withTransaction`, its writes are committed, and durable as far as the
/// server's `synchronous_commit` goes.
///
/// Deadlines run from the call to the answer, waiting included. An answer may be later by
/// `PostgresLimits.cancelGrace`, in which the server is asked to cancel; so may that to a cancelled task. The error then
/// says whether the statement certainly had no effect. Requests to a host that answers nothing share the fate of its
/// connection, which is given up.
public final class PostgresPool: Sendable {
    let engine: PoolEngine
    /// The limits of the configuration.
    public var limits: PostgresLimits { engine.configuration.limits }

    /// Starts the threads and returns; they connect in the background.
    ///
    /// One connection gives requests an order: the projector uses a pool of its own with one.
    ///
    /// - Parameters:
    ///   - connections: 1 to 64.
    ///   - logger: takes connection changes and the server's notices.
    ///   - observer: takes durations and connection changes.
    public init(
        configuration: PostgresConfiguration, connections: Int = 4, logger: Logger,
        observer: (any PostgresObserver)? = nil
    ) {
        precondition((1...64).contains(connections), "1 to 64 connections, not \(connections)")
        engine = PoolEngine(
            configuration: configuration, connections: connections, logger: logger, observer: observer)
        engine.start()
    }

    deinit {
        engine.beginClose()
    }

    /// Runs one statement in a transaction of its own. Which connection it gets is not defined, so nothing that belongs to
    /// a session (`SET`, advisory locks, temporary tables) should be said here; `withConnection` is for that.
    ///
    /// - Parameters:
    ///   - sql: one command, constant text, with `$1`, `$2`, … for `values`.
    ///   - operation: the name under which metrics count it.
    ///   - timeout: until the answer; `PostgresLimits.defaultDeadline` if nil, cut to `longestDeadline`.
    public func query(
        _ sql: String, _ values: [PostgresValue] = [], operation: StaticString = "query", timeout: Duration? = nil
    ) async throws(PostgresError) -> PostgresRows {
        let rows = try await pipeline([PostgresStatement(sql, values)], operation: operation, timeout: timeout)
        guard let first = rows.first else { preconditionFailure("one statement has one result") }
        return first
    }

    /// Runs statements in order, in one round trip and one transaction: all take effect, or none.
    ///
    /// - Parameters:
    ///   - statements: at most `PostgresLimits.batchStatements`, none of them BEGIN or COMMIT.
    ///   - operation: the name under which metrics count it.
    ///   - timeout: as for `query`, for the whole.
    /// - Returns: one result for each statement, in order. The error of a failed one carries its index.
    public func pipeline(
        _ statements: [PostgresStatement], operation: StaticString = "pipeline", timeout: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRows] {
        guard !statements.isEmpty else { return [] }
        try PostgresStatement.check(statements, limits: limits)
        return try await engine.call(.statements(statements), operation: operation, deadline: deadline(timeout)).get()
            .rows
    }

    /// How the connections are used at this moment.
    public var usage: PostgresPoolUsage {
        engine.usage
    }

    /// Ends the pool: what waits fails with `closed`, what runs is finished, open transactions are rolled back.
    ///
    /// Returns when the last connection is closed, which takes as long as the longest running request, or an attempt to
    /// connect that is under way (`connect_timeout`).
    public func close() async {
        engine.beginClose()
        await engine.closed()
    }

    private func deadline(_ timeout: Duration?) -> MonotonicTime {
        .now() + min(timeout ?? limits.defaultDeadline, limits.longestDeadline)
    }
}
