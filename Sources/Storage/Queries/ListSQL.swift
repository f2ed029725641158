import Postgres

/// The statements of a list. Their text depends on which filters are set and never on values, so that each is prepared
/// once.
enum ListSQL {
    /// Ids of the live tasks of which PostgreSQL has a newer revision.
    static func superseding(tenant: String, _ overlay: LiveOverlay) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT t.task_id FROM unnest($2::text[], $3::bigint[]) AS live (task_id, revision)
            JOIN tasks t ON t.tenant = $1 AND t.task_id = live.task_id WHERE t.revision > live.revision
            """,
            [.text(tenant.storable), .textArray(overlay.ids), .int8Array(overlay.storedRevisions)])
    }

    /// How many rows match, without those that the live state knows better.
    static func count(_ filter: TaskFilter, without covered: [String]) -> PostgresStatement {
        var sql = BoundSQL()
        let conditions = filter.conditions(&sql) + exclusion(of: covered, &sql)
        return PostgresStatement("SELECT count(*) AS total FROM tasks t WHERE \(conditions)", sql.values)
    }

    /// The places of the rows of a page, in order.
    static func places(
        _ query: TaskListQuery, without covered: [String], window: (skipped: Int, count: Int)
    ) -> PostgresStatement {
        var sql = BoundSQL()
        var conditions = query.filter.conditions(&sql)
        if case .after(let cursor) = query.start {
            let time = sql.bind(.timestamptz(cursor.createdAt))
            let id = sql.bind(.text(cursor.taskID.storable))
            // The first half is what an index can begin at; a row comparison cannot mix directions.
            conditions += " AND t.created_at <= \(time) AND (t.created_at < \(time) OR t.task_id > \(id))"
        }
        conditions += exclusion(of: covered, &sql)
        let count = sql.bind(.int8(Int64(window.count)))
        let skipped = sql.bind(.int8(Int64(window.skipped)))
        return PostgresStatement(
            """
            SELECT t.task_id, t.created_at, t.content_bytes FROM tasks t WHERE \(conditions)
            ORDER BY t.created_at DESC, t.task_id LIMIT \(count) OFFSET \(skipped)
            """,
            sql.values)
    }

    private static func exclusion(of covered: [String], _ sql: inout BoundSQL) -> String {
        if covered.isEmpty { return "" }
        let ids = sql.bind(.textArray(covered))
        return " AND NOT EXISTS (SELECT FROM unnest(\(ids)) AS live (task_id) WHERE live.task_id = t.task_id)"
    }

    static func tasks(tenant: String, ids: [String], detail: TaskListQuery.Detail) -> PostgresStatement {
        PostgresStatement(
            "SELECT \(TaskRow.columns(detail: "$3::boolean")) FROM tasks t WHERE t.tenant = $1 AND t.task_id = ANY ($2)",
            [.text(tenant.storable), .textArray(ids), .bool(detail == .full)])
    }

    static func executions(tenant: String, ids: [String], detail: TaskListQuery.Detail) -> PostgresStatement {
        PostgresStatement(
            """
            SELECT \(ExecutionRow.columns(detail: "$3::boolean")) FROM task_executions e
            WHERE e.tenant = $1 AND e.task_id = ANY ($2) ORDER BY e.task_id, e.step, e.attempt
            """,
            [.text(tenant.storable), .textArray(ids), .bool(detail == .full)])
    }
}
