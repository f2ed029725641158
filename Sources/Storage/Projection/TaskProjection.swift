public import ClusterState
public import Logging
public import Postgres

/// Writes tasks to PostgreSQL (`design/state.md` 22).
///
/// The row of `projection` holds the *watermark*: every change of a task up to that revision has been written, or is
/// superseded by a later one. Each write names the watermark that it goes on from and fails if the row says otherwise:
/// `ahead` if another projector has written meanwhile, `behind` if PostgreSQL lost its tail. Rows of tasks carry the
/// revision they were written from and never go back, so writing anything again, late or in another order does no harm.
///
/// For one caller at a time, the projector on the leader; two at once are safe and hold each other up. Its pool should be
/// its own, with one connection.
public struct TaskProjection: Sendable {
    private let pool: PostgresPool
    private let logger: Logger
    private let limits: StorageLimits

    public init(pool: PostgresPool, logger: Logger, limits: StorageLimits = StorageLimits()) {
        self.pool = pool
        self.logger = logger
        self.limits = limits
    }

    /// Where the projection stands; zero if nothing was ever written. Binds a database that has no cluster to this one.
    ///
    /// To be called before the first write and after each failed one. If it is below `ClusterState.projectedThrough`,
    /// PostgreSQL has lost what came after: propose `ProjectionRewound`.
    ///
    /// - Throws: `foreignDatabase`, `newerGeneration`, `unavailable`, `notMigrated`, `failed`.
    public func watermark(of cluster: ClusterIdentity) async throws(StorageError) -> Revision {
        do throws(PostgresError) {
            let rows = try await pool.query(
                ProjectionRow.lock, ProjectionRow.lockValues(cluster, expected: nil), operation: "projection_watermark",
                timeout: limits.writeDeadline)
            return try ProjectionRow.revision(rows)
        } catch {
            throw StorageError(error)
        }
    }

    /// Writes tasks as `state` has them, in one transaction, and advances the watermark to the last of them, or to just before
    /// it while others of the same revision are left. All of it is committed when this returns, and nothing when it throws, but
    /// for `unavailable`, where it is not known.
    ///
    /// - Parameters:
    ///   - items: the beginning of `state.outbox`, in its order, no further than the index that a quorum has confirmed; or
    ///     what follows there on items that earlier calls have returned. Anything left out would be passed over by the
    ///     watermark. As many are written as the limits allow, at least one.
    ///   - state: the state that has given `items`.
    ///   - watermark: what `watermark(of:)` or the last write has returned.
    /// - Throws: `ahead`, `behind`, `foreignDatabase`, `newerGeneration`, `unavailable`, `notMigrated`, `unwritable`,
    ///   `failed`.
    public func write(
        _ items: [OutboxItem], of state: ClusterState, after watermark: Revision
    ) async throws(StorageError) -> ProjectedBatch {
        guard !items.isEmpty, let cluster = ClusterIdentity(state) else {
            return ProjectedBatch(generation: state.generation, tasks: [], watermark: watermark, bytes: 0, reduced: [])
        }
        var plan = BatchPlan(items, of: state, limits: limits)
        while true {
            do throws(PostgresError) {
                let reached = try await run(plan, cluster, after: watermark)
                return ProjectedBatch(
                    generation: cluster.generation, tasks: plan.written, watermark: reached, bytes: plan.bytes,
                    reduced: plan.reduced)
            } catch {
                try reduce(&plan, after: error)
            }
        }
    }

    /// Makes the next attempt one without the JSON of the task that PostgreSQL refuses: no task may hold up those behind.
    private func reduce(_ plan: inout BatchPlan, after error: PostgresError) throws(StorageError) {
        guard let index = error.refusedStatement, let key = plan.task(ofStatement: index) else {
            throw StorageError(error)
        }
        guard plan.reduce(key) else { throw .unwritable(key, reason: error.label) }
        logger.warning(
            "A task is written to PostgreSQL without its JSON",
            metadata: ["task_id": "\(key.id)", "tenant": "\(key.tenant)", "reason": "\(error.label)"])
    }

    private func run(
        _ plan: BatchPlan, _ cluster: ClusterIdentity, after watermark: Revision
    ) async throws(PostgresError) -> Revision {
        let lock = PostgresStatement(ProjectionRow.lock, ProjectionRow.lockValues(cluster, expected: watermark))
        let advance = PostgresStatement(ProjectionRow.advance, [.int8(plan.through.stored)])
        let parts = plan.parts(limits)
        if parts.count == 1 {
            let statements = [lock] + parts[0] + [advance]
            let deadline = limits.writeDeadline
            do throws(PostgresError) {
                let results = try await pool.pipeline(statements, operation: "projection_write", timeout: deadline)
                return try ProjectionRow.revision(results[results.count - 1])
            } catch {
                throw error.shifted(by: -1)
            }
        }
        // Only a task with more executions, or more bytes of them, than one round trip may have.
        return try await pool.withTransaction(timeout: limits.writeDeadline) {
            (connection) async throws(PostgresError) -> Revision in
            _ = try await connection.pipeline([lock], operation: "projection_write")
            var begun = 0
            for part in parts {
                do throws(PostgresError) {
                    _ = try await connection.pipeline(
                        part, operation: "projection_write", timeout: limits.writeDeadline)
                } catch {
                    throw error.shifted(by: begun)
                }
                begun += part.count
            }
            return try ProjectionRow.revision(try await connection.query(advance.sql, advance.values))
        }
    }
}

/// What one write has put into PostgreSQL.
public struct ProjectedBatch: Sendable {
    public let generation: UInt16
    /// What PostgreSQL now has, of these revisions or newer ones.
    public let tasks: [OutboxItem]
    /// The watermark: the base of the next write.
    public let watermark: Revision
    /// JSON and specs that were written.
    public let bytes: Int
    /// Tasks written without JSON that PostgreSQL cannot hold.
    public let reduced: [TaskKey]

    /// The command that tells the cluster.
    public var persisted: Persisted {
        var command = Persisted()
        command.generation = UInt32(generation)
        command.throughRevision = watermark.rawValue
        command.tasks = tasks.map { item in
            var task = PersistedTask()
            task.tenant = item.key.tenant
            task.taskID = item.key.id
            task.revision = item.revision.rawValue
            return task
        }
        return command
    }
}

extension PostgresError {
    /// The statement whose data PostgreSQL does not take, if that is what went wrong: out of range, not JSON, too deep,
    /// too large, against a constraint.
    fileprivate var refusedStatement: Int? {
        switch self {
        case .server(let report):
            ["22", "54"].contains(report.sqlState.prefix(2)) ? report.statementIndex : nil
        case .constraintViolation(_, let report): report.statementIndex
        case .unencodable(let index): index
        case .unavailable, .overloaded, .closed, .deadlineExceeded, .canceled, .connectionLost, .sessionEnded,
            .retryable, .uniqueViolation, .insufficientPrivilege, .undefinedTable, .readOnly, .transactionAborted,
            .transactionControl, .limitExceeded, .undecodable, .invalidConnectionString:
            nil
        }
    }

    /// The same about a statement counted from elsewhere.
    fileprivate func shifted(by count: Int) -> PostgresError {
        switch self {
        case .server(var report):
            report.statementIndex += count
            return .server(report)
        case .constraintViolation(let constraint, var report):
            report.statementIndex += count
            return .constraintViolation(constraint: constraint, report)
        case .unencodable(let index): return .unencodable(statementIndex: index + count)
        case .unavailable, .overloaded, .closed, .deadlineExceeded, .canceled, .connectionLost, .sessionEnded,
            .retryable, .uniqueViolation, .insufficientPrivilege, .undefinedTable, .readOnly, .transactionAborted,
            .transactionControl, .limitExceeded, .undecodable, .invalidConnectionString:
            return self
        }
    }
}
