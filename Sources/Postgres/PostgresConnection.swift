/// The exclusive use of one session, inside `withTransaction` or `withConnection`. Statements run one after another in the
/// order of the calls.
///
/// A value kept beyond its closure is harmless: every call then fails with `PostgresError.sessionEnded`, and so it does
/// once the session is lost or past its time.
public final class PostgresConnection: Sendable {
    private let engine: PoolEngine
    private let lease: LeaseID
    private let until: MonotonicTime

    init(engine: PoolEngine, lease: LeaseID, until: MonotonicTime) {
        self.engine = engine
        self.lease = lease
        self.until = until
    }

    /// Runs one statement.
    ///
    /// - Parameter timeout: until the answer; `PostgresLimits.defaultDeadline` if nil. It never goes past the end of the
    ///   transaction or exclusive use.
    public func query(
        _ sql: String, _ values: [PostgresValue] = [], operation: StaticString = "query", timeout: Duration? = nil
    ) async throws(PostgresError) -> PostgresRows {
        let rows = try await pipeline([PostgresStatement(sql, values)], operation: operation, timeout: timeout)
        guard let first = rows.first else { preconditionFailure("one statement has one result") }
        return first
    }

    /// Runs statements in order, in one round trip. After a failure the rest is not run, and an open transaction can only
    /// be rolled back. Outside a transaction (`withConnection`) they are one of their own.
    public func pipeline(
        _ statements: [PostgresStatement], operation: StaticString = "pipeline", timeout: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRows] {
        guard !statements.isEmpty else { return [] }
        try PostgresStatement.check(statements, limits: engine.configuration.limits)
        return try await call(.statements(statements), operation: operation, timeout: timeout).rows
    }

    /// Runs a file of SQL commands separated by semicolons, without values and without results. Outside a transaction
    /// they are one of their own, unless the text itself says BEGIN.
    ///
    /// - Parameter sql: trusted text, at most `PostgresLimits.batchBytes`.
    public func script(
        _ sql: String, operation: StaticString = "script", timeout: Duration? = nil
    ) async throws(PostgresError) {
        try PostgresStatement.check([PostgresStatement(sql)], limits: engine.configuration.limits)
        _ = try await call(.script(sql), operation: operation, timeout: timeout)
    }

    private func call(
        _ work: PoolWork, operation: StaticString, timeout: Duration?
    ) async throws(PostgresError) -> PoolReply {
        let deadline = min(until, .now() + (timeout ?? engine.configuration.limits.defaultDeadline))
        return try await engine.call(work, operation: operation, deadline: deadline, lease: lease).get()
    }

    /// Commits, heedless of the task's cancellation: half a decision to commit would leave its outcome unknown.
    func commit() async throws(PostgresError) {
        let deadline = min(until, .now() + engine.configuration.limits.defaultDeadline)
        let reply = await engine.call(
            .commit, operation: "commit", deadline: deadline, lease: lease, isShielded: true)
        _ = try reply.get()
    }

    /// Ends the use without commit. An error means that the session has ended already, which is as good.
    func end(_ work: PoolWork) async {
        _ = await engine.call(work, operation: "end", deadline: .distantFuture, lease: lease, isShielded: true)
    }
}
