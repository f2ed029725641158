public import ClusterState
public import Postgres

/// Reads tasks from PostgreSQL. Each call is one snapshot of the database, on any thread or task; nothing blocks.
public struct TaskQueries: Sendable {
    private let pool: PostgresPool
    private let limits: StorageLimits

    public init(pool: PostgresPool, limits: StorageLimits = StorageLimits()) {
        self.pool = pool
        self.limits = limits
    }

    /// One task with everything; nil if PostgreSQL has none of that key.
    ///
    /// - Throws: `unavailable`, `foreignDatabase`, `newerGeneration`, `notMigrated`, `failed`.
    public func task(_ key: TaskKey, of cluster: ClusterIdentity) async throws(StorageError) -> StoredTask? {
        try await snapshot(of: cluster) { (connection) async throws(StorageError) -> StoredTask? in
            try await read([key.id], tenant: key.tenant, detail: .full, connection)[key.id]
        }
    }

    /// What commands about tasks that have left the state must say of them.
    ///
    /// - Parameters:
    ///   - ids: of tasks of the tenant; those that PostgreSQL does not have are missing in the answer.
    ///   - id: the one to come with all that it needs to run again.
    /// - Throws: what `task` throws.
    public func evidence(
        on ids: [String], tenant: String, archiveOf id: String?, of cluster: ClusterIdentity
    ) async throws(StorageError) -> [StoredEvidence] {
        try await snapshot(of: cluster) { (connection) async throws(StorageError) -> [StoredEvidence] in
            let statements = [
                PostgresStatement(ProjectionRow.watermark), EvidenceSQL.rows(of: ids, tenant: tenant, archiveOf: id),
            ]
            let results = try await ask(statements, "tasks_evidence", connection)
            return try Self.decode { () throws(PostgresError) in
                guard !results[0].isEmpty else { return [] }
                let through = try ProjectionRow.revision(results[0])
                return try results[1].map { (row) throws(PostgresError) -> StoredEvidence in
                    try StoredEvidence(row, readThrough: through)
                }
            }
        }
    }

    /// A page of tasks: PostgreSQL's, merged with those that `live` holds and PostgreSQL does not have yet.
    ///
    /// `live` is taken before the call, so that a task which moves into PostgreSQL meanwhile is in one of the two. One in
    /// both is taken from the greater revision.
    ///
    /// - Throws: `invalidQuery`, `tooFarBehind`, and what `task` throws.
    public func list(_ query: TaskListQuery, over live: ClusterState) async throws(StorageError) -> TaskList {
        try query.check(limits)
        guard let cluster = ClusterIdentity(live) else { return TaskList(tasks: [], total: 0, next: nil) }
        let overlay = try LiveOverlay(query.filter, of: live, limits: limits)
        return try await snapshot(of: cluster) { (connection) async throws(StorageError) -> TaskList in
            var overlay = overlay
            try await leaveNewer(&overlay, tenant: query.filter.tenant, connection)
            let (count, rows) = try await places(query, overlay, connection)
            let page = ListPage(query, rows: rows, live: overlay.matches, limits: limits)
            var stored = try await read(
                page.rowIDs, tenant: query.filter.tenant, detail: query.detail, connection)
            let tasks = page.entries.compactMap { entry in
                switch entry {
                case .row(let row): stored.removeValue(forKey: row.place.taskID)
                case .live(let match): StoredTask(match.view, in: live).with(query.detail)
                }
            }
            return TaskList(tasks: tasks, total: count + UInt64(overlay.matches.count), next: page.next)
        }
    }

    /// Runs `body` on one snapshot of a database that is ours.
    private func snapshot<Value>(
        of cluster: ClusterIdentity, _ body: (PostgresConnection) async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        try await pool.withTransaction(.snapshot, timeout: limits.readDeadline) {
            (connection) async throws(StorageError) -> Value in
            let rows = try await ask([PostgresStatement(ProjectionRow.identity)], "storage_identity", connection)
            try ProjectionRow.check(rows[0], cluster)
            return try await body(connection)
        }
    }

    private func leaveNewer(
        _ overlay: inout LiveOverlay, tenant: String, _ connection: PostgresConnection
    ) async throws(StorageError) {
        if overlay.isEmpty { return }
        let rows = try await ask([ListSQL.superseding(tenant: tenant, overlay)], "tasks_newer", connection)
        let ids = try Self.decode { () throws(PostgresError) in
            try rows[0].map { (row) throws(PostgresError) -> String in try row.decode("task_id") }
        }
        overlay.remove(ids)
    }

    private func places(
        _ query: TaskListQuery, _ overlay: LiveOverlay, _ connection: PostgresConnection
    ) async throws(StorageError) -> (count: UInt64, rows: [ListPage.Row]) {
        let covered = overlay.ids
        let window = ListPage.window(query, live: overlay.matches.count)
        let results = try await ask(
            [
                ListSQL.count(query.filter, without: covered),
                ListSQL.places(query, without: covered, window: window),
            ], "tasks_list", connection)
        return try Self.decode { () throws(PostgresError) in
            let count = UInt64(clamping: try results[0][0].decode("total", as: Int64.self))
            let rows = try results[1].map { (row) throws(PostgresError) -> ListPage.Row in
                let place = TaskListCursor(createdAt: try row.time("created_at"), taskID: try row.decode("task_id"))
                return ListPage.Row(place: place, bytes: try row.decode("content_bytes"))
            }
            return (count, rows)
        }
    }

    /// Tasks with their executions, by id.
    private func read(
        _ ids: [String], tenant: String, detail: TaskListQuery.Detail, _ connection: PostgresConnection
    ) async throws(StorageError) -> [String: StoredTask] {
        if ids.isEmpty { return [:] }
        let results = try await ask(
            [
                ListSQL.tasks(tenant: tenant, ids: ids, detail: detail),
                ListSQL.executions(tenant: tenant, ids: ids, detail: detail),
            ], "tasks_read", connection)
        return try Self.decode { () throws(PostgresError) in
            var tasks: [String: StoredTask] = [:]
            for row in results[0] {
                let task = try StoredTask(row)
                tasks[task.key.id] = task
            }
            for row in results[1] {
                let execution = try StoredExecution(row)
                tasks[try row.decode("task_id", as: String.self)]?.executions.append(execution)
            }
            return tasks
        }
    }

    private func ask(
        _ statements: [PostgresStatement], _ operation: StaticString, _ connection: PostgresConnection
    ) async throws(StorageError) -> [PostgresRows] {
        do throws(PostgresError) {
            return try await connection.pipeline(statements, operation: operation, timeout: limits.readDeadline)
        } catch {
            throw StorageError(error)
        }
    }

    private static func decode<Value>(_ body: () throws(PostgresError) -> Value) throws(StorageError) -> Value {
        do throws(PostgresError) {
            return try body()
        } catch {
            throw StorageError(error)
        }
    }
}

extension StoredTask {
    fileprivate func with(_ detail: TaskListQuery.Detail) -> StoredTask {
        switch detail {
        case .full: return self
        case .summary:
            var task = self
            task.parameters = nil
            task.result = nil
            for place in task.executions.indices { task.executions[place].result = nil }
            return task
        }
    }
}
