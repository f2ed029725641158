import ClusterState
import Logging
import Postgres
import Storage
import Synchronization
import TestSupport

/// A database of its own on a real server, migrated.
struct Database {
    let name: String
    let server: PostgresServer
    let pool: PostgresPool
    /// The projector's own, with one connection.
    let writer: PostgresPool

    static func with<Value>(
        on server: PostgresServer? = nil, template: String? = nil,
        machineVersion: UInt32 = ClusterState.supportedMachineVersion, _ body: (Database) async throws -> Value
    ) async throws -> Value {
        let server = if let server { server } else { try await PostgresServer.shared() }
        let name = "storage_\(created.wrappingAdd(1, ordering: .relaxed).newValue)"
        let administration = try pool(on: server, database: "postgres", connections: 1)
        let source = template.map { " TEMPLATE \($0)" } ?? ""
        _ = try await administration.query("CREATE DATABASE \(name)\(source)", timeout: .seconds(60))
        await administration.close()
        let database = try Database(name: name, server: server)
        do {
            try await StorageSchema.migrate(database.pool, machineVersion: machineVersion)
            let value = try await body(database)
            await database.close()
            return value
        } catch {
            await database.close()
            throw error
        }
    }

    /// Connects to a database that is there.
    init(name: String, server: PostgresServer) throws {
        self.name = name
        self.server = server
        pool = try Self.pool(on: server, database: name)
        writer = try Self.pool(on: server, database: name, connections: 1)
    }

    func close() async {
        await pool.close()
        await writer.close()
    }

    static func pool(on server: PostgresServer, database: String, connections: Int = 2) throws -> PostgresPool {
        var limits = PostgresLimits()
        limits.defaultDeadline = .seconds(60)
        limits.cancelGrace = .seconds(30)
        let configuration = try PostgresConfiguration(
            connectionString: server.connectionString(database: database), limits: limits)
        return PostgresPool(configuration: configuration, connections: connections, logger: .silent)
    }

    var projection: TaskProjection { projection(StorageLimits()) }
    var queries: TaskQueries { queries(StorageLimits()) }

    func projection(_ limits: StorageLimits) -> TaskProjection {
        TaskProjection(pool: writer, logger: .silent, limits: limits.patient)
    }

    func queries(_ limits: StorageLimits) -> TaskQueries {
        TaskQueries(pool: pool, limits: limits.patient)
    }

    /// Writes all that waits in the outbox, from wherever the projection stands.
    @discardableResult
    func project(_ log: LoggedState) async throws -> [ProjectedBatch] {
        guard let cluster = ClusterIdentity(log.state) else { return [] }
        var watermark = try await projection.watermark(of: cluster)
        var items = log.outbox[...]
        var batches: [ProjectedBatch] = []
        while !items.isEmpty {
            let batch = try await projection.write(Array(items), of: log.state, after: watermark)
            watermark = batch.watermark
            items = items.dropFirst(batch.tasks.count)
            batches.append(batch)
        }
        return batches
    }

    func count(_ sql: String) async throws -> Int {
        try await pool.query(sql)[0].decode(at: 0)
    }
}

private let created = Atomic<Int>(0)

extension StorageLimits {
    /// Deadlines that a machine full of tests does not reach by being slow.
    var patient: StorageLimits {
        var limits = self
        limits.readDeadline = .seconds(60)
        limits.writeDeadline = .seconds(60)
        return limits
    }
}

extension Logger {
    static var silent: Logger { Logger(label: "storage-tests") { _ in SwiftLogNoOpLogHandler() } }
}

/// The error that `body` throws, or nil.
func storageError(_ body: () async throws -> Void) async throws -> StorageError? {
    do {
        try await body()
        return nil
    } catch let error as StorageError {
        return error
    }
}

/// Waits until a condition holds. The limit only ends a test that would otherwise hang.
func eventually(_ condition: () async throws -> Bool) async throws {
    let limit = ContinuousClock.now + .seconds(120)
    while try await !condition() {
        guard ContinuousClock.now < limit else { throw NeverHappened() }
        try await Task.sleep(for: .milliseconds(10))
    }
}

struct NeverHappened: Error {}
