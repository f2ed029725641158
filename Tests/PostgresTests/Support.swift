import Logging
import Synchronization
import TestSupport

@testable import Postgres

/// Keeps what is logged and reported, for tests to look at.
final class Recorder: PostgresObserver, Sendable {
    private let reports = Mutex<[PostgresRequestReport]>([])
    private let changes = Mutex<[PostgresConnectionChange]>([])
    let lines = LogLines()

    func requestFinished(_ report: PostgresRequestReport) {
        reports.withLock { $0.append(report) }
    }

    func connectionChanged(_ change: PostgresConnectionChange) {
        changes.withLock { $0.append(change) }
    }

    var allReports: [PostgresRequestReport] { reports.withLock { $0 } }
    var allChanges: [PostgresConnectionChange] { changes.withLock { $0 } }

    var logger: Logger {
        var logger = Logger(label: "postgres") { [lines] _ in RecordingHandler(lines: lines) }
        logger.logLevel = .trace
        return logger
    }
}

final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    func append(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

struct RecordingHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        lines.append("\(event.level) \(event.message) " + all.map { "\($0)=\($1)" }.joined(separator: " "))
    }
}

extension PostgresLimits {
    /// The defaults, but for waits that a machine full of tests must not reach by being slow.
    static var patient: PostgresLimits {
        var limits = PostgresLimits()
        limits.defaultDeadline = .seconds(60)
        limits.cancelGrace = .seconds(30)
        return limits
    }
}

/// A pool on the shared server (or another), closed when `body` ends.
func withPool<Value>(
    on server: PostgresServer? = nil, connections: Int = 2, limits: PostgresLimits = .patient,
    database: String = "postgres", recorder: Recorder = Recorder(), _ body: (PostgresPool) async throws -> Value
) async throws -> Value {
    let server = if let server { server } else { try await PostgresServer.shared() }
    let configuration = try PostgresConfiguration(
        connectionString: server.connectionString(database: database), limits: limits)
    let pool = PostgresPool(
        configuration: configuration, connections: connections, logger: recorder.logger, observer: recorder)
    do {
        let value = try await body(pool)
        await pool.close()
        return value
    } catch {
        await pool.close()
        throw error
    }
}

/// A name that no other test of this process has.
func uniqueName(_ prefix: String) -> String {
    "\(prefix)_\(nameCounter.wrappingAdd(1, ordering: .relaxed).newValue)"
}

private let nameCounter = Atomic<Int>(0)

/// The error that `body` throws, or nil.
func postgresError(_ body: () async throws -> Void) async throws -> PostgresError? {
    do {
        try await body()
        return nil
    } catch let error as PostgresError {
        return error
    }
}

/// Waits until a condition holds. The limit only ends a test that would otherwise hang.
func eventually(_ condition: () async throws -> Bool) async throws {
    let clock = ContinuousClock()
    let limit = clock.now + .seconds(120)
    while try await !condition() {
        guard clock.now < limit else { throw NeverHappened() }
        try await Task.sleep(for: .milliseconds(10))
    }
}

struct NeverHappened: Error {}
