import ClusterState
import Postgres
import Telemetry
import Testing

@testable import Storage

/// What PostgreSQL does with 100,000 tasks: no list may read the table from end to end.
@Suite("Plans of lists over 100,000 tasks")
struct PlanTests {
    private static let fill = """
        INSERT INTO tasks (tenant, task_id, revision, title, description, task_type, priority, status, strategy, plan,
            depends_on, assigned_agents, execution_metadata, created_at, updated_at, created_by, search, content_bytes)
        SELECT 'default', 't' || n, n, 'title', '', 'type' || n % 50, 1 + n % 10,
            (ARRAY['pending', 'completed', 'failed', 'executing'])[1 + CASE WHEN n % 100 = 0 THEN n / 100 % 4 ELSE 1 END],
            'auto', '[]', '{}', ARRAY['agent' || n % 200], '{}',
            timestamptz '2026-01-01' + n * interval '1 second', now(), 'user' || n % 300,
            array_to_tsvector(ARRAY['title', 'word' || n % 1000]), 0
        FROM generate_series(1, 100000) n
        """

    private func plan(_ statement: PostgresStatement, _ pool: PostgresPool) async throws -> String {
        let rows = try await pool.query("EXPLAIN \(statement.sql)", statement.values)
        return try rows.map { try $0.decode(at: 0, as: String.self) }.joined(separator: "\n")
    }

    private func filter(_ change: (inout TaskFilter) -> Void) -> TaskFilter {
        var filter = TaskFilter(tenant: "default")
        change(&filter)
        return filter
    }

    @Test("every filter, cursor and merge uses an index")
    func indexes() async throws {
        try await Database.with { database in
            _ = try await database.pool.query(Self.fill, timeout: .seconds(60))
            _ = try await database.pool.query("ANALYZE tasks", timeout: .seconds(60))
            let middle = WallTime(microsecondsSince1970: 1_767_225_600_000_000 + 50_000_000_000)
            let cases: [(TaskFilter, String)] = [
                (filter { $0.status = .failed }, "tasks_status"),
                (filter { $0.taskType = "type7" }, "tasks_task_type"),
                (filter { $0.createdBy = "user7" }, "tasks_created_by"),
                (filter { $0.priority = 3 }, "tasks_priority"),
                (filter { $0.agent = "agent7" }, "tasks_assigned_agents"),
                (filter { $0.text = SearchText("word77") }, "tasks_search"),
                (
                    filter {
                        $0.createdAfter = middle; $0.createdBefore = middle
                    }, "tasks_created_at"
                ),
            ]
            let cursor = TaskListCursor(createdAt: middle, taskID: "t5")
            for covered in [[], ["t1", "t2"]] {
                for (filter, index) in cases {
                    // The total reads what matches, so it has to find it by the filter.
                    let total = try await plan(ListSQL.count(filter, without: covered), database.pool)
                    #expect(total.contains(index) && !total.contains("Seq Scan"), "\(filter): \(total)")
                }
                // A page may as well walk along the order of the list, where much matches. It never sorts the table.
                for filter in cases.map(\.0) + [filter { _ in }] {
                    for start in [TaskListQuery.Start.offset(0), .after(cursor)] {
                        let query = TaskListQuery(filter, start: start)
                        let places = ListSQL.places(query, without: covered, window: (0, 101))
                        let page = try await plan(places, database.pool)
                        #expect(page.contains("tasks_") && !page.contains("Seq Scan"), "\(filter): \(page)")
                    }
                }
            }
            let read = try await plan(
                ListSQL.tasks(tenant: "default", ids: ["t1", "t2"], detail: .full), database.pool)
            #expect(read.contains("tasks_task_id") && !read.contains("Seq Scan on tasks"), "\(read)")
            let deep = try await plan(
                ListSQL.places(
                    TaskListQuery(filter { _ in }, start: .after(cursor)), without: [], window: (0, 101)), database.pool
            )
            #expect(deep.contains("Index Cond") && deep.contains("created_at <="), "\(deep)")
        }
    }
}
