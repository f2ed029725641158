public import Postgres

/// The tables of this room, as numbered migrations. Each lies in a file of its own under `Migrations`, named as its SQL
/// file would be; the text is part of the binary, so that a node needs nothing beside it.
public enum StorageSchema {
    /// In order. One that was released never changes: what differs comes with a new number.
    public static let migrations = [projection, tasks, archive]

    /// Brings the database's schema up to this binary's. Any number of nodes may do so at once.
    ///
    /// - Parameter timeout: for the whole, waiting for other nodes included.
    /// - Returns: what this call applied. When it returns, that is committed.
    @discardableResult
    public static func migrate(
        _ pool: PostgresPool, timeout: Duration = .seconds(600)
    ) async throws(StorageError) -> [PostgresMigration] {
        do throws(PostgresMigrationError) {
            return try await PostgresMigrator(migrations).migrate(pool, timeout: timeout)
        } catch {
            throw StorageError(error)
        }
    }
}
