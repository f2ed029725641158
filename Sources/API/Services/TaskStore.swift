public import ClusterState

/// Where tasks are that have left the live state: PostgreSQL, through the room `Storage`.
public protocol TaskStore: Sendable {
    /// The tasks that match, merged with what `live` holds of them: a task in both is taken from the greater revision.
    /// `live` was taken before the call, so that a task which moves meanwhile is in one of the two.
    func list(_ query: TaskQuery, over live: ClusterState) async throws(TaskStoreError) -> TaskListing

    /// The task as the store has it; nil if it has none of that key.
    func task(_ key: TaskKey) async throws(TaskStoreError) -> TaskDocument?
}

public enum TaskStoreError: Error, Equatable, Sendable {
    /// The store cannot be reached, or is too busy to answer in time.
    case unavailable(reason: String)
    /// The store answered with something that makes no sense here.
    case failed(reason: String)
}

/// One page of a list.
public struct TaskListing: Sendable {
    public var tasks: [TaskDocument]
    /// All that match, on every page.
    public var total: UInt64
    /// Where the next page begins; nil at the end.
    public var next: TaskCursor?

    public init(tasks: [TaskDocument], total: UInt64, next: TaskCursor?) {
        self.tasks = tasks
        self.total = total
        self.next = next
    }
}
