import Testing

@testable import Postgres

/// The limits that no other suite reaches: those of queue, inbox, batch and result stand beside what they bound.
@Suite("Limits")
struct LimitTests {
    @Test("a deadline longer than allowed is cut, and the server is told to give up soon after")
    func longestDeadline() async throws {
        var limits = PostgresLimits.patient
        limits.longestDeadline = .milliseconds(200)
        try await withPool(connections: 1, limits: limits) { pool in
            let error = try await postgresError {
                _ = try await pool.query("SELECT pg_sleep(71)", timeout: .seconds(600))
            }
            #expect(error == .deadlineExceeded(.none))
        }
        limits.longestDeadline = .seconds(60)
        try await withPool(connections: 1, limits: limits) { pool in
            let setting: String = try await pool.query("SHOW statement_timeout")[0].decode(at: 0)
            #expect(setting == "61s")
        }
    }

    @Test("a transaction longer than allowed is cut")
    func longestLease() async throws {
        var limits = PostgresLimits.patient
        // Long beside what a busy machine takes to send the statement: a lease that ends before is another error.
        limits.longestLease = .seconds(2)
        try await withPool(connections: 1, limits: limits) { pool in
            let error = try await postgresError {
                try await pool.withTransaction(timeout: .seconds(600)) { (connection) async throws(PostgresError) in
                    _ = try await connection.query("SELECT pg_sleep(72)", timeout: .seconds(600))
                }
            }
            #expect(error == .deadlineExceeded(.none))
        }
    }

    @Test("with no cancel request to spare, the connection is closed and the effect unknown")
    func cancelsInFlight() async throws {
        var limits = PostgresLimits.patient
        limits.cancelsInFlight = 0
        try await withPool(connections: 1, limits: limits) { pool in
            let before: Int = try await pool.query("SELECT pg_backend_pid()")[0].decode(at: 0)
            let error = try await postgresError {
                _ = try await pool.query("SELECT pg_sleep(60)", timeout: .seconds(2))
            }
            #expect(error == .deadlineExceeded(.unknown))
            let after: Int = try await pool.query("SELECT pg_backend_pid()")[0].decode(at: 0)
            #expect(before != after)
        }
    }

    @Test("cancel slots are as many as stated, and come back")
    func cancelSlots() {
        let slots = CancelSlots(2)
        #expect((slots.take(), slots.take(), slots.take()) == (true, true, false))
        slots.giveBack()
        #expect((slots.take(), slots.take()) == (true, false))
    }

    @Test("a statement takes as many values as stated and no more")
    func statementParameters() async throws {
        var limits = PostgresLimits.patient
        limits.statementParameters = 2
        try await withPool(connections: 1, limits: limits) { pool in
            #expect(try await pool.query("SELECT $1::int8, $2::int8", [1, 2]).count == 1)
            let error = try await postgresError { _ = try await pool.query("SELECT $1, $2, $3", [1, 2, 3]) }
            #expect(error == .limitExceeded(.statementParameters))
        }
    }

    @Test("the protocol's own number of values goes through")
    func allParameters() async throws {
        try await withPool(connections: 1) { pool in
            let count = PostgresLimits().statementParameters
            let list = (1...count).map { "$\($0)" }.joined(separator: ",")
            let values = (1...count).map { PostgresValue($0) }
            let rows = try await pool.query("SELECT cardinality(ARRAY[\(list)])", values)
            #expect(try rows[0].decode(at: 0, as: Int.self) == count)
        }
    }

    @Test("an error's words are cut to their limit")
    func errorText() async throws {
        var limits = PostgresLimits.patient
        limits.errorTextCharacters = 10
        try await withPool(connections: 1, limits: limits) { pool in
            let error = try await postgresError { _ = try await pool.query("SELECT * FROM a_table_that_is_not") }
            guard case .undefinedTable(let report) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(report.message.count == 10)
        }
    }
}
