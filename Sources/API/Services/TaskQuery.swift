public import ClusterState
public import Telemetry

/// Which tasks `GET /api/v1/tasks` wants: newest first, by creation time and then by id.
public struct TaskQuery: Sendable {
    public enum Start: Equatable, Sendable {
        case offset(Int)
        /// Behind this place in the order.
        case after(TaskCursor)
    }

    public var tenant: String
    public var status: TaskStatus?
    public var taskType: String?
    public var createdBy: String?
    /// A plan with a step of this agent.
    public var agent: String?
    public var priority: UInt32?
    /// Inclusive.
    public var createdAfter: WallTime?
    /// Exclusive.
    public var createdBefore: WallTime?
    /// Words to be found in title or description.
    public var text: String?
    public var limit: Int
    public var start: Start

    public init(tenant: String, limit: Int = 100, start: Start = .offset(0)) {
        self.tenant = tenant
        self.limit = limit
        self.start = start
    }
}

/// A place in the list: the creation time and id of the last task that a client has.
public struct TaskCursor: Hashable, Sendable {
    public var createdAt: WallTime
    public var taskID: String

    public init(createdAt: WallTime, taskID: String) {
        self.createdAt = createdAt
        self.taskID = taskID
    }

    /// Whether a task with these comes later in the list.
    public func precedes(createdAt other: WallTime, taskID: String) -> Bool {
        other != createdAt ? other < createdAt : self.taskID.utf8.lexicographicallyPrecedes(taskID.utf8)
    }
}

extension TaskCursor {
    /// The opaque text that clients get: hexadecimal digits of the time, a dot, the id.
    var text: String { "\(String(createdAt.microsecondsSince1970, radix: 16)).\(taskID)" }

    init?(text: String) {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let time = Int64(parts[0], radix: 16), !parts[1].isEmpty else { return nil }
        self.init(createdAt: WallTime(microsecondsSince1970: time), taskID: String(parts[1]))
    }
}
