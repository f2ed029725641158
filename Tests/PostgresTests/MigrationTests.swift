import Testing

@testable import Postgres

@Suite("Migrations")
struct MigrationTests {
    static let steps = [
        PostgresMigration(
            number: 1, name: "things", sql: "CREATE TABLE things (id int8); INSERT INTO things VALUES (1);"),
        PostgresMigration(number: 2, name: "more", sql: "INSERT INTO things VALUES (2); SELECT pg_sleep(0.05);"),
        PostgresMigration(number: 3, name: "names", sql: "ALTER TABLE things ADD COLUMN name text DEFAULT 'a;b';"),
    ]

    /// A database of its own, as the schema is a database's.
    private func withDatabase(_ body: (String) async throws -> Void) async throws {
        let name = uniqueName("migrated")
        try await withPool(connections: 1) { _ = try await $0.query("CREATE DATABASE \(name)", timeout: .seconds(60)) }
        try await body(name)
    }

    private func migrationError(
        _ steps: [PostgresMigration], _ pool: PostgresPool
    ) async -> PostgresMigrationError? {
        do throws(PostgresMigrationError) {
            _ = try await PostgresMigrator(steps).migrate(pool)
            return nil
        } catch {
            return error
        }
    }

    @Test("four migrators at once apply each step exactly once")
    func raced() async throws {
        try await withDatabase { database in
            let applied = try await withThrowingTaskGroup(of: [PostgresMigration].self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await withPool(connections: 1, database: database) {
                            try await PostgresMigrator(Self.steps.reversed()).migrate($0)
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(applied.map(\.number).sorted() == [1, 2, 3])
            try await withPool(connections: 1, database: database) { pool in
                let ids = try await pool.query("SELECT id FROM things WHERE name = 'a;b' ORDER BY id")
                #expect(try ids.map { try $0.decode(at: 0, as: Int.self) } == [1, 2])
                let rows = try await pool.query("SELECT version, name, applied_at FROM schema_migrations ORDER BY 1")
                #expect(try rows.map { try $0.decode("name", as: String.self) } == ["things", "more", "names"])
                #expect(try await PostgresMigrator(Self.steps).migrate(pool).isEmpty)
            }
        }
    }

    @Test("steps beyond the one asked for wait, and are no error once they were applied")
    func partial() async throws {
        try await withDatabase { database in
            try await withPool(connections: 1, database: database) { pool in
                let migrator = try PostgresMigrator(Self.steps)
                #expect(try await migrator.migrate(pool, through: 2).map(\.number) == [1, 2])
                #expect(try await migrator.migrate(pool, through: 2).isEmpty)
                #expect(try await migrator.migrate(pool).map(\.number) == [3])
                #expect(try await migrator.migrate(pool, through: 2).isEmpty)
            }
        }
    }

    @Test("a changed step, a gap and a newer version in the database are refused by name")
    func refusals() async throws {
        try await withDatabase { database in
            try await withPool(connections: 1, database: database) { pool in
                _ = try await PostgresMigrator(Self.steps).migrate(pool)
                var changed = Self.steps
                changed[1].sql += " "
                #expect(await migrationError(changed, pool) == .changed(number: 2, name: "more"))
                #expect(await migrationError(Array(Self.steps.prefix(2)), pool) == .unknownVersion(3))
                _ = try await pool.query("DELETE FROM schema_migrations WHERE version = 2")
                #expect(await migrationError(Self.steps, pool) == .gapInDatabase(missing: 2))
            }
        }
        for numbers in [[2], [1, 3], [1, 1]] {
            let steps = numbers.map { PostgresMigration(number: $0, name: "x", sql: "") }
            #expect(throws: PostgresMigrationError.self) { try PostgresMigrator(steps) }
        }
    }

    @Test("a failing step leaves nothing behind, keeps those before it, and can be mended")
    func failing() async throws {
        try await withDatabase { database in
            try await withPool(connections: 1, database: database) { pool in
                let bad = PostgresMigration(number: 2, name: "bad", sql: "CREATE TABLE half (id int8); SELECT 1/0;")
                let error = await migrationError([Self.steps[0], bad], pool)
                guard case .failed(number: 2, name: "bad", .server(let report)) = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(report.sqlState == "22012")
                let isGone: Bool = try await pool.query("SELECT to_regclass('half') IS NULL")[0].decode(at: 0)
                #expect(isGone)
                #expect(try await PostgresMigrator(Self.steps).migrate(pool).map(\.number) == [2, 3])
            }
        }
    }

    @Test("a step that commits by itself is refused", arguments: ["COMMIT;", "COMMIT; BEGIN;"])
    func ownCommit(sql: String) async throws {
        try await withDatabase { database in
            try await withPool(connections: 1, database: database) { pool in
                let step = PostgresMigration(number: 1, name: "own", sql: sql)
                #expect(await migrationError([step], pool) == .failed(number: 1, name: "own", .transactionControl))
                let applied = try await pool.query("SELECT * FROM schema_migrations")
                #expect(applied.isEmpty)
            }
        }
    }

    @Test("file names are NNNN_name.sql and nothing else")
    func fileNames() throws {
        let step = try PostgresMigration(fileName: "0012_add_tasks2.sql", sql: "")
        #expect(step.number == 12)
        #expect(step.name == "add_tasks2")
        for name in ["12_a.sql", "0001_.sql", "0001-a.sql", "0001_A.sql", "0001_a.txt", "٠٠٠١_a.sql", "_a.sql", ""] {
            #expect(throws: PostgresMigrationError.fileName(name)) { try PostgresMigration(fileName: name, sql: "") }
        }
    }

    @Test("the plan applies what is missing, in order")
    func plan() throws {
        func applied(_ count: Int) -> [MigrationPlan.Applied] {
            (0..<count).map { MigrationPlan.Applied(number: $0 + 1, checksum: "c\($0)") }
        }
        for count in 0...3 {
            let plan = try MigrationPlan(known: Self.steps, checksums: ["c0", "c1", "c2"], applied: applied(count))
            #expect(plan.pending.map(\.number) == Array(1...3).suffix(3 - count))
        }
    }
}
