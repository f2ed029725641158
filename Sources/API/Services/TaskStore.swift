public import ClusterState
public import Storage

/// Where tasks are that have left the live state: PostgreSQL. `TaskQueries` is the one in service.
public protocol TaskStore: Sendable {
    /// The task as the store has it; nil if it has none of that key.
    func task(_ key: TaskKey, of cluster: ClusterIdentity) async throws(StorageError) -> StoredTask?

    /// What commands about these tasks must say of them, where they have left the live state; those that the store does not
    /// have are missing.
    func evidence(
        on ids: [String], tenant: String, archiveOf id: String?, of cluster: ClusterIdentity
    ) async throws(StorageError) -> [StoredEvidence]

    /// The tasks that match, merged with what `live` holds of them. `live` was taken before the call, so that a task
    /// which moves meanwhile is in one of the two.
    func list(_ query: TaskListQuery, over live: ClusterState) async throws(StorageError) -> TaskList
}

extension TaskQueries: TaskStore {}
