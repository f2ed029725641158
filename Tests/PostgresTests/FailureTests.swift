import TestSupport
import Testing

@testable import Postgres

@Suite("Failures")
struct FailureTests {
    /// Waits until the connection under test runs `pg_sleep`, seen from another pool.
    private func sleeping(_ watcher: PostgresPool, _ seconds: Int) async throws {
        try await eventually {
            let rows = try await watcher.query(
                "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()",
                [.text("%pg_sleep(\(seconds))%")])
            return !rows.isEmpty
        }
    }

    /// Starts a statement that runs until it is ended.
    private func sleep(_ seconds: Int, on pool: PostgresPool) -> Task<PostgresError?, any Error> {
        Task {
            try await postgresError {
                _ = try await pool.query("SELECT pg_sleep(\(seconds))", timeout: .seconds(60))
            }
        }
    }

    @Test("a deadline ends a slow statement, for certain and on a connection that goes on")
    func deadline() async throws {
        try await withPool(connections: 1) { pool in
            let before: Int = try await pool.query("SELECT pg_backend_pid()")[0].decode(at: 0)
            let error = try await postgresError {
                _ = try await pool.query("SELECT pg_sleep(61)", timeout: .milliseconds(100))
            }
            #expect(error == .deadlineExceeded(.none))
            let after: Int = try await pool.query("SELECT pg_backend_pid()")[0].decode(at: 0)
            #expect(before == after)
        }
    }

    @Test("a cancelled task ends its statement in the server and leaves the connection usable")
    func cancellation() async throws {
        try await withPool(connections: 1) { watcher in
            try await withPool(connections: 1) { pool in
                let before: Int = try await pool.query("SELECT pg_backend_pid()")[0].decode(at: 0)
                let task = sleep(62, on: pool)
                try await sleeping(watcher, 62)
                task.cancel()
                #expect(try await task.value == .canceled(.none))
                let after: Int = try await pool.query("SELECT pg_backend_pid()")[0].decode(at: 0)
                #expect(before == after)
                let alreadyCancelled = Task {
                    withUnsafeCurrentTask { $0?.cancel() }
                    return try await postgresError { _ = try await pool.query("SELECT 1") }
                }
                #expect(try await alreadyCancelled.value == .canceled(.none))
            }
        }
    }

    @Test("a request cancelled while it waits is taken out of the queue")
    func cancelledInQueue() async throws {
        try await withPool(connections: 1) { pool in
            let slow = sleep(63, on: pool)
            try await eventually { pool.usage.busy == 1 }
            let waiting = Task {
                try await postgresError { _ = try await pool.query("SELECT 1", timeout: .seconds(60)) }
            }
            try await eventually { pool.usage.queued == 1 }
            waiting.cancel()
            #expect(try await waiting.value == .canceled(.none))
            #expect(pool.usage.queued == 0)
            slow.cancel()
            #expect(try await slow.value == .canceled(.none))
        }
    }

    @Test("the full queue refuses at once, and what waits is served")
    func overload() async throws {
        var limits = PostgresLimits.patient
        limits.queuedRequests = 5
        try await withPool(connections: 1, limits: limits) { pool in
            let slow = sleep(64, on: pool)
            try await eventually { pool.usage.busy == 1 }
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<5 {
                    group.addTask {
                        try await pool.query("SELECT $1::int8", [.int8(Int64(number))], timeout: .seconds(60))[0]
                            .decode(at: 0)
                    }
                }
                try await eventually { pool.usage.queued == 5 }
                let error = try await postgresError { _ = try await pool.query("SELECT 1") }
                #expect(error == .overloaded(queued: 5))
                slow.cancel()
                var served: [Int] = []
                for try await number in group { served.append(number) }
                #expect(served.sorted() == [0, 1, 2, 3, 4])
            }
            _ = try await slow.value
        }
    }

    @Test("a server killed in the middle is a typed error, then unavailable at once, then back by itself")
    func killedServer() async throws {
        let server = try await PostgresServer.start()
        let recorder = Recorder()
        try await withPool(on: server, connections: 2, recorder: recorder) { pool in
            _ = try await pool.query("CREATE TABLE kept (id int8)")
            let running = sleep(65, on: pool)
            try await sleeping(pool, 65)
            server.kill()
            guard case .connectionLost(_, .unknown) = try await running.value else {
                Issue.record("\(String(describing: try await running.value))")
                return
            }
            try await eventually { pool.usage.connected == 0 }
            let error = try await postgresError { _ = try await pool.query("SELECT 1") }
            #expect(error?.label == "unavailable")
            try await server.restart()
            try await eventually { pool.usage.connected == 2 }
            #expect(try await pool.query("SELECT * FROM kept").isEmpty)
            #expect(recorder.allChanges.filter { $0 == .opened }.count == 4)
            #expect(!recorder.lines.all.contains { $0.contains(PostgresServer.password) })
        }
        await server.stop()
    }

    @Test("idle connections of a server that restarted are replaced without losing a request")
    func restartedWhileIdle() async throws {
        let server = try await PostgresServer.start()
        var limits = PostgresLimits.patient
        // No idle check comes to help: the request itself must notice.
        limits.idleCheckInterval = .seconds(600)
        try await withPool(on: server, connections: 1, limits: limits) { pool in
            #expect(try await pool.query("SELECT 1").count == 1)
            server.shutDown()
            try await server.restart()
            #expect(try await pool.query("SELECT 1").count == 1)
        }
        await server.stop()
    }

    @Test("a halted server: the deadline fires, queued requests too, and the pool recovers when it goes on")
    func haltedServer() async throws {
        let server = try await PostgresServer.start()
        var limits = PostgresLimits.patient
        limits.cancelGrace = .milliseconds(250)
        try await withPool(on: server, connections: 2, limits: limits) { pool in
            try await eventually { pool.usage.connected == 2 }
            server.pause()
            try await withThrowingTaskGroup(of: PostgresError?.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await postgresError { _ = try await pool.query("SELECT 1", timeout: .seconds(2)) }
                    }
                }
                var errors: [PostgresError?] = []
                for try await error in group { errors.append(error) }
                #expect(errors.filter { $0 == .deadlineExceeded(.unknown) }.count == 2, "\(errors)")
                #expect(errors.filter { $0 == .deadlineExceeded(.none) }.count == 4, "\(errors)")
            }
            server.resume()
            try await eventually { (try? await pool.query("SELECT 1").count) == 1 }
            try await eventually { pool.usage.connected == 2 }
        }
        await server.stop()
    }

    @Test("a server that has become a standby is left, so that the primary can be found")
    func standby() async throws {
        let server = try await PostgresServer.start()
        try await withPool(on: server, connections: 1) { pool in
            _ = try await pool.query("CREATE TABLE kept (id int8)")
            server.shutDown()
            try await server.restartAsStandby()
            try await eventually { (try? await pool.query("SELECT 1").count) == 1 }
            let before: Int = try await pool.query("SELECT pg_backend_pid()")[0].decode(at: 0)
            let error = try await postgresError { _ = try await pool.query("INSERT INTO kept VALUES (1)") }
            #expect(error?.label == "read_only")
            let after: Int = try await pool.query("SELECT pg_backend_pid()")[0].decode(at: 0)
            #expect(before != after)
        }
        await server.stop()
    }

    @Test("with nobody listening, requests fail at once and closing does not hang")
    func nobodyListening() async throws {
        let configuration = try PostgresConfiguration(connectionString: "host=127.0.0.1 port=1 user=amas")
        let recorder = Recorder()
        let pool = PostgresPool(configuration: configuration, logger: recorder.logger, observer: recorder)
        for _ in 0..<3 {
            let error = try await postgresError { _ = try await pool.query("SELECT 1") }
            guard case .unavailable(let reason) = error else {
                Issue.record("\(String(describing: error))")
                break
            }
            #expect(reason.contains("Connection refused"))
        }
        await pool.close()
        let closed = try await postgresError { _ = try await pool.query("SELECT 1") }
        #expect(closed == .closed)
    }

    @Test("closing answers everyone: the running with its result, the waiting with closed")
    func closing() async throws {
        let server = try await PostgresServer.shared()
        let configuration = try PostgresConfiguration(
            connectionString: server.connectionString(), limits: .patient)
        let pool = PostgresPool(configuration: configuration, connections: 1, logger: Recorder().logger)
        try await withPool(connections: 1) { holder in
            try await holder.withConnection { (lock) async throws(PostgresError) in
                _ = try await lock.query("SELECT pg_advisory_lock(77)")
                let running = Task { try await pool.query("SELECT 7::int8, pg_advisory_lock(77)")[0] }
                let waiting = Task {
                    try? await eventually { pool.usage.busy == 1 }
                    return try await postgresError { _ = try await pool.query("SELECT 1") }
                }
                try? await eventually { pool.usage.busy == 1 && pool.usage.queued == 1 }
                let closing = Task { await pool.close() }
                let refusal = try? await waiting.value
                #expect(refusal == .closed)
                // Only now may the running one end; until then the pool is not closed.
                _ = try await lock.query("SELECT pg_advisory_unlock(77)")
                let answer = try? await running.value.decode(at: 0, as: Int.self)
                #expect(answer == 7)
                await closing.value
            }
        }
    }

    @Test("many callers at once each get their own answer, and each is reported once")
    func manyCallers() async throws {
        let recorder = Recorder()
        try await withPool(connections: 4, recorder: recorder) { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for caller in 0..<64 {
                    group.addTask {
                        for number in 0..<20 {
                            let value = caller * 1000 + number
                            let rows = try await pool.query(
                                "SELECT $1::int8 AS n", [PostgresValue(value)], operation: "echo")
                            #expect(try rows[0].decode("n", as: Int.self) == value)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let reports = recorder.allReports.filter { "\($0.operation)" == "echo" }
        #expect(reports.count == 64 * 20)
        #expect(reports.allSatisfy { $0.failure == nil && $0.ran > .zero && $0.queued >= .zero })
    }

    @Test("a pool that nobody refers to any more ends its threads and connections")
    func forgotten() async throws {
        let name = uniqueName("forgotten")
        try await withPool(connections: 1) { watcher in
            func connections() async throws -> Int {
                try await watcher.query(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1", [.text(name)])[0].decode(at: 0)
            }
            let server = try await PostgresServer.shared()
            let configuration = try PostgresConfiguration(
                connectionString: server.connectionString() + " application_name=\(name)")
            do {
                let pool = PostgresPool(configuration: configuration, connections: 3, logger: Recorder().logger)
                try await eventually { pool.usage.connected == 3 }
                #expect(try await connections() == 3)
            }
            try await eventually { try await connections() == 0 }
        }
    }
}
