import TestSupport
import Testing

@testable import Postgres

@Suite("Errors")
struct ErrorTests {
    static func message(_ sqlState: String) -> ServerMessage {
        ServerMessage(
            sqlState: sqlState, severity: "ERROR", message: "words", constraint: "the_constraint", column: "the_column")
    }

    @Test("each SQLSTATE is sorted into what a caller can do about it")
    func classification() {
        func sorted(_ sqlState: String) -> PostgresError {
            PostgresError(Self.message(sqlState), statementIndex: 3)
        }
        func report(_ sqlState: String) -> PostgresServerReport {
            PostgresServerReport(sqlState: sqlState, message: "words", statementIndex: 3)
        }
        #expect(sorted("40001") == .retryable(report("40001")))
        #expect(sorted("40P01") == .retryable(report("40P01")))
        #expect(sorted("23505") == .uniqueViolation(constraint: "the_constraint", report("23505")))
        #expect(sorted("23503") == .constraintViolation(constraint: "the_constraint", report("23503")))
        #expect(sorted("23514") == .constraintViolation(constraint: "the_constraint", report("23514")))
        #expect(sorted("23502") == .constraintViolation(constraint: "the_column", report("23502")))
        #expect(sorted("42501") == .insufficientPrivilege(report("42501")))
        #expect(sorted("42P01") == .undefinedTable(report("42P01")))
        #expect(sorted("25006") == .readOnly(report("25006")))
        #expect(sorted("25P02") == .transactionAborted)
        #expect(sorted("57014") == .canceled(.none))
        for state in ["57P01", "57P02", "57P03", "08006", "25P03", ""] {
            #expect(sorted(state) == .connectionLost(reason: "words", .unknown))
        }
        #expect(sorted("22012") == .server(report("22012")))
        var fatal = Self.message("XX000")
        fatal.severity = "FATAL"
        #expect(PostgresError(fatal, statementIndex: 0) == .connectionLost(reason: "words", .unknown))
    }

    @Test("real violations arrive under their names")
    func realViolations() async throws {
        let table = uniqueName("rows")
        try await withPool { pool in
            _ = try await pool.query(
                """
                CREATE TABLE \(table) (id int8 PRIMARY KEY, parent int8 CONSTRAINT \(table)_parent REFERENCES \(table),
                    size int CONSTRAINT \(table)_size CHECK (size > 0), name text NOT NULL)
                """)
            func label(_ sql: String) async throws -> String {
                switch try await postgresError({ _ = try await pool.query(sql) }) {
                case .constraintViolation(let name, _): name
                case let other: other?.label ?? "none"
                }
            }
            #expect(try await label("INSERT INTO \(table) VALUES (1, 9, 1, 'a')") == "\(table)_parent")
            #expect(try await label("INSERT INTO \(table) VALUES (1, NULL, 0, 'a')") == "\(table)_size")
            #expect(try await label("INSERT INTO \(table) VALUES (1, NULL, 1, NULL)") == "name")
            #expect(try await label("SELECT * FROM \(table)_absent") == "undefined_table")
            #expect(try await label("SELECT 1/0") == "server")
            #expect(try await label("SELEKT") == "server")
        }
    }

    @Test("a role without rights is told so, and a reading transaction takes no writes")
    func rights() async throws {
        let table = uniqueName("rows")
        try await withPool(connections: 1) { pool in
            _ = try await pool.query("CREATE TABLE \(table) (id int8)")
            let readOnly = try await postgresError {
                try await pool.withTransaction(.snapshot) { (connection) async throws(PostgresError) in
                    _ = try await connection.query("INSERT INTO \(table) VALUES (1)")
                }
            }
            #expect(readOnly?.label == "read_only")
            let denied = try await postgresError {
                try await pool.withConnection { (connection) async throws(PostgresError) in
                    _ = try await connection.query("CREATE ROLE \(table)_guest")
                    _ = try await connection.query("SET ROLE \(table)_guest")
                    _ = try await connection.query("SELECT * FROM \(table)")
                }
            }
            #expect(denied?.label == "insufficient_privilege")
            // The session that was given another role is not lent on.
            #expect(try await pool.query("SELECT current_user::text")[0].decode(at: 0, as: String.self) == "amas")
        }
    }

    @Test("an error's words do not quote the row")
    func noDetail() async throws {
        let table = uniqueName("rows")
        try await withPool { pool in
            _ = try await pool.query("CREATE TABLE \(table) (email text PRIMARY KEY)")
            let insert = PostgresStatement("INSERT INTO \(table) VALUES ($1)", ["ada@example.org"])
            let error = try await postgresError { _ = try await pool.pipeline([insert, insert]) }
            #expect(error?.label == "unique_violation")
            #expect(!"\(String(describing: error))".contains("ada@example.org"))
        }
    }

    @Test("COPY, which this client does not speak, is refused without hanging", arguments: ["TO STDOUT", "FROM STDIN"])
    func copy(direction: String) async throws {
        let table = uniqueName("rows")
        try await withPool(connections: 1) { pool in
            _ = try await pool.query("CREATE TABLE \(table) (id int8)")
            let single = try await postgresError { _ = try await pool.query("COPY \(table) \(direction)") }
            #expect(single?.label == "connection_lost")
            let script = try await postgresError {
                try await pool.withConnection { (connection) async throws(PostgresError) in
                    try await connection.script("COPY \(table) \(direction)")
                }
            }
            #expect(script?.label == "connection_lost")
            #expect(try await pool.query("SELECT 1").count == 1)
        }
    }

    @Test("notices reach the log at their severity")
    func notices() async throws {
        let recorder = Recorder()
        try await withPool(connections: 1, recorder: recorder) { pool in
            try await pool.withConnection { (connection) async throws(PostgresError) in
                try await connection.script(
                    "DO $$ BEGIN RAISE WARNING 'look here'; RAISE NOTICE 'by the way'; END $$")
            }
        }
        #expect(recorder.lines.all.contains { $0.hasPrefix("warning") && $0.contains("notice=look here") })
        #expect(recorder.lines.all.contains { $0.hasPrefix("info") && $0.contains("notice=by the way") })
    }

    @Test("that something exists already is no news where it was asked for only if it does not")
    func alreadyExists() async throws {
        let recorder = Recorder()
        try await withPool(connections: 1, recorder: recorder) { pool in
            try await pool.withConnection { (connection) async throws(PostgresError) in
                let table = "CREATE TABLE IF NOT EXISTS exists_already (id int)"
                try await connection.script("\(table); \(table); DROP TABLE exists_already")
            }
        }
        let notices = recorder.lines.all.filter { $0.contains("already exists, skipping") }
        #expect(!notices.isEmpty && notices.allSatisfy { $0.hasPrefix("debug") })
    }
}
