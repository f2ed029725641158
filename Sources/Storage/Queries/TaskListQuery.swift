public import Telemetry

/// One page of the tasks that match, newest first: by creation time descending, then by id ascending as bytes.
public struct TaskListQuery: Sendable, Equatable {
    public enum Start: Sendable, Equatable {
        case offset(Int)
        /// Behind this place in the order.
        case after(TaskListCursor)
    }

    public enum Detail: Sendable, Equatable {
        /// Without parameters, result and the results of executions: what a table shows.
        case summary
        case full
    }

    public var filter: TaskFilter
    /// 1 to 1,000.
    public var limit: Int
    public var start: Start
    public var detail: Detail

    public init(_ filter: TaskFilter, limit: Int = 100, start: Start = .offset(0), detail: Detail = .full) {
        self.filter = filter
        self.limit = limit
        self.start = start
        self.detail = detail
    }

    func check(_ limits: StorageLimits) throws(StorageError) {
        guard (1...limits.pageTasks).contains(limit) else { throw .invalidQuery(field: "limit") }
        if case .offset(let offset) = start, !(0...limits.offset).contains(offset) {
            throw .invalidQuery(field: "offset")
        }
    }
}

/// A place in a list: the creation time and id of the last task before it.
public struct TaskListCursor: Hashable, Sendable {
    public var createdAt: WallTime
    public var taskID: String

    public init(createdAt: WallTime, taskID: String) {
        self.createdAt = createdAt
        self.taskID = taskID
    }

    /// The order of lists.
    func precedes(_ other: TaskListCursor) -> Bool {
        createdAt != other.createdAt
            ? createdAt > other.createdAt : taskID.utf8.lexicographicallyPrecedes(other.taskID.utf8)
    }
}

/// One page.
public struct TaskList: Sendable {
    /// At most as many as were asked for; fewer before the end only where their JSON would be too much at once.
    public var tasks: [StoredTask]
    /// All that match, on every page; a task that is both in PostgreSQL and in the live state counts once.
    public var total: UInt64
    /// Where the next page begins; nil at the end.
    public var next: TaskListCursor?
}
