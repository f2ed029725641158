public import ClusterState
public import Postgres

/// The tables of this room, as numbered migrations. Each lies in a file of its own under `Migrations`, named as its SQL
/// file would be; the text is part of the binary, so that a node needs nothing beside it.
public enum StorageSchema {
    /// In order. One that was released never changes: what differs comes with a new number.
    public static let migrations = [projection, tasks, archive]

    /// How many of them a cluster of this machine version has: until it has risen, a node of the version before may have to go
    /// on with the database.
    static func count(machineVersion: UInt32) -> Int { machineVersion >= Command.evidenceSince ? 3 : 2 }

    /// Brings the database's schema up to what a cluster of this machine version uses. Any number of nodes may do so at once.
    ///
    /// - Parameters:
    ///   - machineVersion: that of the cluster.
    ///   - timeout: for the whole, waiting for other nodes included.
    /// - Returns: what this call applied. When it returns, that is committed.
    @discardableResult
    public static func migrate(
        _ pool: PostgresPool, machineVersion: UInt32 = ClusterState.supportedMachineVersion,
        timeout: Duration = .seconds(600)
    ) async throws(StorageError) -> [PostgresMigration] {
        do throws(PostgresMigrationError) {
            return try await PostgresMigrator(migrations)
                .migrate(pool, through: count(machineVersion: machineVersion), timeout: timeout)
        } catch {
            throw StorageError(error)
        }
    }
}
