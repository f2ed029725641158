extension PostgresPool {
    /// Runs `body` inside BEGIN … COMMIT on one connection that is its alone.
    ///
    /// Commits if `body` returns, also when the task was cancelled meanwhile. Rolls back if it throws, and throws that
    /// error. State the error type at the closure: `{ (connection) async throws(PostgresError) -> Int in … }`.
    ///
    /// When this returns, the transaction is committed. When it throws `connectionLost` or `deadlineExceeded` with
    /// `.unknown`, the outcome of COMMIT is not known; with any other error nothing was committed.
    ///
    /// - Parameters:
    ///   - mode: isolation, and whether it may write.
    ///   - timeout: for the whole; `PostgresLimits.defaultLease` if nil, cut to `longestLease`. A transaction past it is
    ///     rolled back, and its next statement fails with `sessionEnded`.
    public func withTransaction<Value, Failure: PostgresFailure>(
        _ mode: PostgresTransactionMode = .readCommitted, timeout: Duration? = nil,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (PostgresConnection) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let connection = try await lease(begin: mode, timeout: timeout, as: Failure.self)
        let value: Value
        do {
            value = try await body(connection)
        } catch {
            await connection.end(.rollback)
            throw error
        }
        do {
            try await connection.commit()
        } catch {
            throw Failure(error)
        }
        return value
    }

    /// Runs `body` with a session that is its alone, for what belongs to a session: advisory locks, `SET`, transactions
    /// spelled out in SQL. The session is closed afterwards, so that nothing of that reaches another caller; this costs a
    /// reconnect.
    ///
    /// - Parameter timeout: as for `withTransaction`.
    public func withConnection<Value, Failure: PostgresFailure>(
        timeout: Duration? = nil, isolation: isolated (any Actor)? = #isolation,
        _ body: (PostgresConnection) async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let connection = try await lease(begin: nil, timeout: timeout, as: Failure.self)
        do {
            let value = try await body(connection)
            await connection.end(.close)
            return value
        } catch {
            await connection.end(.close)
            throw error
        }
    }

    private func lease<Failure: PostgresFailure>(
        begin mode: PostgresTransactionMode?, timeout: Duration?, as: Failure.Type
    ) async throws(Failure) -> PostgresConnection {
        let now = MonotonicTime.now()
        let until = now + min(timeout ?? limits.defaultLease, limits.longestLease)
        let reply = await engine.call(
            .lease(begin: mode, until: until), operation: "begin", deadline: min(until, now + limits.defaultDeadline))
        switch reply {
        case .failure(let error): throw Failure(error)
        case .success(let reply):
            guard let lease = reply.lease else { preconditionFailure("a lease was asked for and granted") }
            return PostgresConnection(engine: engine, lease: lease, until: until)
        }
    }
}
