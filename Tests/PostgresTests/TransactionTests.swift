import Testing

@testable import Postgres

@Suite("Transactions")
struct TransactionTests {
    enum Refusal: PostgresFailure, Equatable {
        case changedMind
        case postgres(PostgresError)
        init(_ error: PostgresError) { self = .postgres(error) }
    }

    private func count(_ table: String, _ pool: PostgresPool) async throws -> Int {
        try await pool.query("SELECT count(*) FROM \(table)")[0].decode(at: 0)
    }

    @Test("a body that returns is committed; one that throws is rolled back and its error passed on")
    func commitAndRollback() async throws {
        let table = uniqueName("rows")
        try await withPool(connections: 1) { pool in
            _ = try await pool.query("CREATE TABLE \(table) (id int8 PRIMARY KEY)")
            let inserted = try await pool.withTransaction { (connection) async throws(PostgresError) -> Int in
                _ = try await connection.query("INSERT INTO \(table) VALUES (1)")
                _ = try await connection.pipeline([
                    PostgresStatement("INSERT INTO \(table) VALUES (2)"),
                    PostgresStatement("INSERT INTO \(table) VALUES (3)"),
                ])
                return 3
            }
            #expect(inserted == 3)
            #expect(try await count(table, pool) == 3)
            await #expect(throws: Refusal.changedMind) {
                try await pool.withTransaction { (connection) async throws(Refusal) in
                    do throws(PostgresError) {
                        _ = try await connection.query("DELETE FROM \(table)")
                    } catch {
                        throw Refusal(error)
                    }
                    throw Refusal.changedMind
                }
            }
            #expect(try await count(table, pool) == 3)
        }
    }

    @Test("an error that the body swallows does not pass for a commit")
    func swallowedError() async throws {
        try await withPool(connections: 1) { pool in
            let error = try await postgresError {
                try await pool.withTransaction { (connection) async throws(PostgresError) in
                    _ = try? await connection.query("SELECT 1/0")
                }
            }
            #expect(error == .transactionAborted)
            let second = try await postgresError {
                try await pool.withTransaction { (connection) async throws(PostgresError) in
                    _ = try? await connection.query("SELECT 1/0")
                    _ = try await connection.query("SELECT 1")
                }
            }
            #expect(second == .transactionAborted)
        }
    }

    @Test("a transaction keeps its connection to itself")
    func exclusive() async throws {
        try await withPool(connections: 2) { pool in
            try await pool.withTransaction { (first) async throws(PostgresError) in
                try await pool.withTransaction { (second) async throws(PostgresError) in
                    let own: Int = try await first.query("SELECT pg_backend_pid()")[0].decode(at: 0)
                    let other: Int = try await second.query("SELECT pg_backend_pid()")[0].decode(at: 0)
                    #expect(own != other)
                    #expect(pool.usage.busy == 2)
                    // Both are taken: a stranger's request waits for its deadline.
                    do throws(PostgresError) {
                        _ = try await pool.query("SELECT 1", timeout: .milliseconds(50))
                        Issue.record("served")
                    } catch {
                        #expect(error == .deadlineExceeded(.none))
                    }
                }
            }
            #expect(pool.usage == PostgresPoolUsage(connections: 2, connected: 2, busy: 0, queued: 0))
        }
    }

    @Test("a transaction past its time is rolled back and its connection freed, whatever its owner does")
    func overdue() async throws {
        let table = uniqueName("rows")
        try await withPool(connections: 1) { pool in
            _ = try await pool.query("CREATE TABLE \(table) (id int8)")
            let error = try await postgresError {
                // Long beside what a busy machine takes for BEGIN, which is cut as well.
                try await pool.withTransaction(timeout: .seconds(2)) {
                    (connection) async throws(PostgresError) in
                    _ = try await connection.query("INSERT INTO \(table) VALUES (1)")
                    // Served only once the overdue transaction has given the connection up.
                    _ = try await pool.query("SELECT 1")
                    _ = try await connection.query("INSERT INTO \(table) VALUES (2)")
                }
            }
            #expect(error == .sessionEnded)
            #expect(try await count(table, pool) == 0)
        }
    }

    @Test("SQL that opens or ends a transaction by itself is found out, and the pool stays sound")
    func transactionControl() async throws {
        try await withPool(connections: 1) { pool in
            let opened = try await postgresError { _ = try await pool.query("BEGIN") }
            #expect(opened == .transactionControl)
            let ended = try await postgresError {
                try await pool.withTransaction { (connection) async throws(PostgresError) in
                    _ = try await connection.query("COMMIT")
                }
            }
            #expect(ended == .transactionControl)
            #expect(try await pool.query("SELECT 1").count == 1)
        }
    }

    @Test("a transaction begins and ends although statements wait to be given up on the server")
    func fullCache() async throws {
        var limits = PostgresLimits.patient
        limits.preparedStatements = 1
        try await withPool(connections: 1, limits: limits) { pool in
            for mode in [PostgresTransactionMode.snapshot, .repeatableRead, .serializable, .readCommitted] {
                _ = try await pool.query("SELECT 1")
                // BEGIN takes the place of SELECT in the cache, and what follows takes that of BEGIN.
                let sum = try await pool.withTransaction(mode) { (connection) async throws(PostgresError) -> Int in
                    _ = try await connection.query("SELECT 2")
                    return try await connection.query("SELECT 1 + 2")[0].decode(at: 0)
                }
                #expect(sum == 3)
                let failed = try await postgresError {
                    try await pool.withTransaction(mode) { (connection) async throws(PostgresError) in
                        _ = try await connection.query("SELECT 1/0")
                    }
                }
                #expect(failed?.label == "server")
                #expect(
                    try await pool.query("SELECT count(*) FROM pg_prepared_statements")[0].decode(at: 0, as: Int.self)
                        <= 3)
            }
        }
    }

    @Test("a connection kept beyond its transaction is of no use to anyone")
    func keptBeyond() async throws {
        try await withPool(connections: 1) { pool in
            let kept = try await pool.withTransaction { (connection) async throws(PostgresError) in connection }
            let error = try await postgresError { _ = try await kept.query("SELECT 1") }
            #expect(error == .sessionEnded)
        }
    }

    @Test("conflicting serializable transactions are told to try again")
    func serialization() async throws {
        let table = uniqueName("rows")
        try await withPool(connections: 2) { pool in
            _ = try await pool.query("CREATE TABLE \(table) (id int8, n int8)")
            _ = try await pool.query("INSERT INTO \(table) VALUES (1, 0)")
            let error = try await postgresError {
                try await pool.withTransaction(.repeatableRead) { (connection) async throws(PostgresError) in
                    _ = try await connection.query("SELECT n FROM \(table)")
                    _ = try await pool.query("UPDATE \(table) SET n = n + 1")
                    _ = try await connection.query("UPDATE \(table) SET n = n + 1")
                }
            }
            #expect(error?.label == "retryable")
        }
    }

    @Test("a cancelled task's transaction is rolled back and its connection freed")
    func cancelled() async throws {
        let table = uniqueName("rows")
        try await withPool(connections: 1) { pool in
            _ = try await pool.query("CREATE TABLE \(table) (id int8)")
            let task = Task {
                try await postgresError {
                    try await pool.withTransaction { (connection) async throws(PostgresError) in
                        _ = try await connection.query("INSERT INTO \(table) VALUES (1)")
                        withUnsafeCurrentTask { $0?.cancel() }
                        _ = try await connection.query("INSERT INTO \(table) VALUES (2)")
                    }
                }
            }
            #expect(try await task.value == .canceled(.none))
            #expect(try await count(table, pool) == 0)
        }
    }
}
