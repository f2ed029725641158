import Testing

@testable import Postgres

@Suite("Pipelines")
struct PipelineTests {
    @Test("a thousand statements come back in order, and one more is refused")
    func thousand() async throws {
        let table = uniqueName("rows")
        try await withPool { pool in
            _ = try await pool.query("CREATE TABLE \(table) (id int8 PRIMARY KEY, body text)")
            let inserts = (0..<1000).map { number in
                PostgresStatement(
                    "INSERT INTO \(table) VALUES ($1, $2) RETURNING id", [.int8(Int64(number)), .text("row \(number)")])
            }
            let results = try await pool.pipeline(inserts)
            #expect(try results.map { try $0[0].decode("id", as: Int.self) } == Array(0..<1000))
            #expect(results[999].commandTag == "INSERT 0 1")
            #expect(results[999].affectedRows == 1)
            let error = try await postgresError {
                _ = try await pool.pipeline(inserts + [PostgresStatement("SELECT 1")])
            }
            #expect(error == .limitExceeded(.batchStatements))
            #expect(try await pool.pipeline([]).isEmpty)
        }
    }

    @Test("several megabytes in both directions at once do not deadlock")
    func bothBuffersFull() async throws {
        try await withPool(connections: 1) { pool in
            let body = [UInt8](repeating: 0xA5, count: 5 << 20 / 100)
            let echoes = (0..<100).map { _ in PostgresStatement("SELECT $1::bytea AS body", [.bytea(body)]) }
            let results = try await pool.pipeline(echoes, timeout: .seconds(60))
            #expect(results.count == 100)
            #expect(try results.allSatisfy { try $0[0].decode("body", as: [UInt8].self) == body })
            let large = [UInt8](repeating: 0x5A, count: 5 << 20)
            let rows = try await pool.query("SELECT $1::bytea AS body", [.bytea(large)], timeout: .seconds(60))
            #expect(try rows[0].decode("body", as: [UInt8].self) == large)
        }
    }

    @Test("all of a pipeline takes effect or nothing, and the error names the statement")
    func allOrNothing() async throws {
        let table = uniqueName("rows")
        try await withPool(connections: 1) { pool in
            _ = try await pool.query("CREATE TABLE \(table) (id int8 CONSTRAINT \(table)_once PRIMARY KEY)")
            let insert = "INSERT INTO \(table) VALUES ($1)"
            let error = try await postgresError {
                _ = try await pool.pipeline([
                    PostgresStatement(insert, [1]), PostgresStatement(insert, [2]), PostgresStatement(insert, [1]),
                    PostgresStatement("SELECT 'never prepared'"), PostgresStatement(insert, [4]),
                ])
            }
            guard case .uniqueViolation(let constraint, let report) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(constraint == "\(table)_once")
            #expect(report.statementIndex == 2)
            #expect(report.sqlState == "23505")
            #expect(try await pool.query("SELECT count(*) FROM \(table)")[0].decode(at: 0, as: Int.self) == 0)
            // The connection is in step, and what was never prepared is prepared now.
            let prepared: String = try await pool.query("SELECT 'never prepared'")[0].decode(at: 0)
            #expect(prepared == "never prepared")
        }
    }

    @Test("a batch larger than its limit is refused before it is sent, one of just the limit is not")
    func batchBytes() async throws {
        var limits = PostgresLimits.patient
        let sql = "SELECT length($1::text)"
        limits.batchBytes = sql.utf8.count + 1000
        try await withPool(limits: limits) { pool in
            let rows = try await pool.query(sql, [.text(String(repeating: "x", count: 1000))])
            #expect(try rows[0].decode(at: 0, as: Int.self) == 1000)
            let error = try await postgresError {
                _ = try await pool.query(sql, [.text(String(repeating: "x", count: 1001))])
            }
            #expect(error == .limitExceeded(.batchBytes))
        }
    }

    @Test("a result larger than its limit is an error, and the connection goes on")
    func resultBytes() async throws {
        var limits = PostgresLimits.patient
        limits.resultBytes = 1 << 20
        try await withPool(connections: 1, limits: limits) { pool in
            let error = try await postgresError { _ = try await pool.query("SELECT repeat('x', 2 << 20)") }
            #expect(error == .limitExceeded(.resultBytes))
            #expect(try await pool.query("SELECT repeat('x', 1000)").count == 1)
        }
    }

    @Test("more distinct statements than the cache keeps run correctly, and the server does not collect them")
    func manyStatements() async throws {
        var limits = PostgresLimits.patient
        limits.preparedStatements = 8
        try await withPool(connections: 1, limits: limits) { pool in
            for round in 0..<3 {
                let batch = (0..<50).map { PostgresStatement("SELECT $1::int8 + \($0)", [.int8(Int64(round))]) }
                let results = try await pool.pipeline(batch)
                #expect(try results.map { try $0[0].decode(at: 0, as: Int.self) } == (0..<50).map { $0 + round })
            }
            let kept: Int = try await pool.query("SELECT count(*) FROM pg_prepared_statements")[0].decode(at: 0)
            #expect(kept <= 9)
        }
    }

    @Test("a table altered behind a prepared statement does not disturb the caller")
    func alteredTable() async throws {
        let table = uniqueName("rows")
        try await withPool(connections: 1) { pool in
            _ = try await pool.query("CREATE TABLE \(table) (a int8)")
            _ = try await pool.query("INSERT INTO \(table) VALUES (1)")
            #expect(try await pool.query("SELECT * FROM \(table)").columns == ["a"])
            _ = try await pool.query("ALTER TABLE \(table) ADD COLUMN b text DEFAULT 'x'")
            #expect(try await pool.query("SELECT * FROM \(table)").columns == ["a", "b"])
            _ = try await pool.query("DEALLOCATE ALL")
            #expect(try await pool.query("SELECT * FROM \(table)").columns == ["a", "b"])
        }
    }

    @Test("one text with values of changing types and NULLs runs each time")
    func changingTypes() async throws {
        let table = uniqueName("rows")
        try await withPool(connections: 1) { pool in
            _ = try await pool.query("CREATE TABLE \(table) (n int4, t text)")
            let sql = "INSERT INTO \(table) VALUES ($1, $2)"
            for (number, text) in [(nil, nil), (1, nil), (nil, "a"), (2, "b")] as [(Int?, String?)] {
                _ = try await pool.query(sql, [PostgresValue(number), PostgresValue(text)])
            }
            _ = try await pool.query(sql, [.text("3"), "c"])
            let rows = try await pool.query("SELECT n, t FROM \(table) ORDER BY n, t")
            #expect(try rows.map { try $0.decode("n", as: Int?.self) } == [1, 2, 3, nil, nil])
        }
    }
}
