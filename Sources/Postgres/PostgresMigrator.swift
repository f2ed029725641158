/// Brings a database's schema up to date: each migration once, in order, each in a transaction of its own.
///
/// Any number of nodes may do this at once: a session-wide advisory lock lets one work while the others wait and then find
/// nothing to do. What was applied is kept in `schema_migrations(version, name, checksum, applied_at)`; the checksum is
/// SHA-256 of the text, computed by the server.
public struct PostgresMigrator: Sendable {
    private let migrations: [PostgresMigration]

    /// The advisory lock that all nodes take: "amas" in ASCII, and 1 for the schema.
    static let lockKey: Int64 = 0x616D_6173_0000_0001

    /// - Throws: `PostgresMigrationError.gap` unless the numbers run 1, 2, 3, …
    public init(_ migrations: [PostgresMigration]) throws(PostgresMigrationError) {
        self.migrations = try MigrationPlan.ordered(migrations)
    }

    /// Applies what is missing. When it returns, the schema is the one of this binary, committed.
    ///
    /// - Parameters:
    ///   - number: the last migration to apply; nil for all. Later ones that were applied already are no error.
    ///   - timeout: for the whole, waiting for other nodes included; cut to `PostgresLimits.longestLease`.
    /// - Returns: what this call applied, in order.
    @discardableResult
    public func migrate(
        _ pool: PostgresPool, through number: Int? = nil, timeout: Duration = .seconds(600)
    ) async throws(PostgresMigrationError) -> [PostgresMigration] {
        let limit = min(timeout, pool.limits.longestLease)
        return try await pool.withConnection(timeout: limit) {
            (connection) async throws(PostgresMigrationError) -> [PostgresMigration] in
            let plan = try await plan(connection, timeout: limit)
            let due = plan.pending.filter { $0.number <= number ?? .max }
            for migration in due {
                do throws(PostgresError) {
                    try await apply(migration, connection, timeout: limit)
                } catch {
                    throw .failed(number: migration.number, name: migration.name, error)
                }
            }
            return due
        }
    }

    private func plan(
        _ connection: PostgresConnection, timeout: Duration
    ) async throws(PostgresMigrationError) -> MigrationPlan {
        let checksums: [String]
        let applied: [MigrationPlan.Applied]
        do throws(PostgresError) {
            try await lock(connection, timeout: timeout)
            checksums = try await self.checksums(connection)
            applied = try await self.applied(connection)
        } catch {
            throw .postgres(error)
        }
        return try MigrationPlan(known: migrations, checksums: checksums, applied: applied)
    }

    /// Takes the lock, which the end of the session gives back.
    private func lock(_ connection: PostgresConnection, timeout: Duration) async throws(PostgresError) {
        // Waiting for the lock and rebuilding a large table take longer than any statement of a request may.
        _ = try await connection.query("SELECT set_config('statement_timeout', '0', false)")
        _ = try await connection.query(
            "SELECT pg_advisory_lock($1)", [.int8(Self.lockKey)], operation: "migration_lock", timeout: timeout)
    }

    private func checksums(_ connection: PostgresConnection) async throws(PostgresError) -> [String] {
        var checksums: [String] = []
        for migration in migrations {
            let rows = try await connection.query(
                "SELECT encode(sha256($1), 'hex')", [.bytea(Array(migration.sql.utf8))])
            checksums.append(try rows[0].decode(at: 0))
        }
        return checksums
    }

    private func applied(_ connection: PostgresConnection) async throws(PostgresError) -> [MigrationPlan.Applied] {
        _ = try await connection.query(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                version bigint PRIMARY KEY CHECK (version > 0),
                name text NOT NULL,
                checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """)
        var applied: [MigrationPlan.Applied] = []
        for row in try await connection.query("SELECT version, checksum FROM schema_migrations ORDER BY version") {
            applied.append(
                MigrationPlan.Applied(number: try row.decode("version"), checksum: try row.decode("checksum")))
        }
        return applied
    }

    private func apply(
        _ migration: PostgresMigration, _ connection: PostgresConnection, timeout: Duration
    ) async throws(PostgresError) {
        _ = try await connection.query("BEGIN")
        do throws(PostgresError) {
            let before = try await transactionNumber(connection)
            try await connection.script(migration.sql, operation: "migration", timeout: timeout)
            // A text that commits by itself would stay applied, yet unrecorded, when the next line fails.
            guard try await transactionNumber(connection) == before else { throw .transactionControl }
            _ = try await connection.query(
                """
                INSERT INTO schema_migrations (version, name, checksum)
                VALUES ($1, $2, encode(sha256($3), 'hex'))
                """,
                [.int8(Int64(migration.number)), .text(migration.name), .bytea(Array(migration.sql.utf8))])
            _ = try await connection.query("COMMIT", timeout: timeout)
        } catch {
            _ = try? await connection.query("ROLLBACK")
            throw error
        }
    }

    private func transactionNumber(_ connection: PostgresConnection) async throws(PostgresError) -> String {
        try await connection.query("SELECT pg_current_xact_id()::text")[0].decode(at: 0)
    }
}
