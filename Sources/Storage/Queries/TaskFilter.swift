public import ClusterState
import Postgres
public import Telemetry

/// Which tasks a list is about. One meaning in two languages: `matches` for the live state, `conditions` for PostgreSQL.
/// Text is compared as bytes in both.
public struct TaskFilter: Sendable, Equatable {
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
    /// Words of title or description.
    public var text: SearchText?

    /// All tasks of a tenant.
    public init(tenant: String) {
        self.tenant = tenant
    }

    /// Whether a task of the live state is wanted.
    public func matches(_ task: TaskView) -> Bool {
        let created = WallTime(stored: task.record.createdWall)
        if let status, task.status != status { return false }
        if let priority, task.record.priority != priority { return false }
        if let createdAfter, created < createdAfter { return false }
        if let createdBefore, created >= createdBefore { return false }
        if !Self.equal(tenant, task.key.tenant) { return false }
        if let taskType, !Self.equal(taskType, task.spec.taskType) { return false }
        if let createdBy, !Self.equal(createdBy, task.spec.createdBy) { return false }
        if let agent, !task.spec.steps.contains(where: { Self.equal(agent, $0.agent) }) { return false }
        return text?.matches([task.spec.title, task.spec.description_p]) ?? true
    }

    /// As bytes of what can be stored: Swift's `==` takes different spellings of one character as equal.
    private static func equal(_ left: String, _ right: String) -> Bool {
        left.storable.utf8.elementsEqual(right.storable.utf8)
    }

    /// The same over a table `tasks` called `t`.
    func conditions(_ sql: inout BoundSQL) -> String {
        var conditions = ["t.tenant = \(sql.bind(.text(tenant.storable)))"]
        if let status { conditions.append("t.status = \(sql.bind(.text(status.name)))") }
        if let taskType { conditions.append("t.task_type = \(sql.bind(.text(taskType.storable)))") }
        if let createdBy { conditions.append("t.created_by = \(sql.bind(.text(createdBy.storable)))") }
        if let priority { conditions.append("t.priority = \(sql.bind(.int8(Int64(priority))))") }
        if let agent { conditions.append("t.assigned_agents @> \(sql.bind(.textArray([agent.storable])))") }
        if let createdAfter { conditions.append("t.created_at >= \(sql.bind(.timestamptz(createdAfter.clamped)))") }
        if let createdBefore { conditions.append("t.created_at < \(sql.bind(.timestamptz(createdBefore.clamped)))") }
        if let text, !text.words.isEmpty {
            conditions.append("t.search @@ \(sql.bind(.text(text.query)))::tsquery")
        }
        return conditions.joined(separator: " AND ")
    }
}

extension WallTime {
    /// Within what `timestamptz` and RFC 3339 have in common: the years 0 to 9999. No task lies beyond.
    fileprivate var clamped: WallTime {
        WallTime(
            microsecondsSince1970: min(max(microsecondsSince1970, -62_167_219_200_000_000), 253_402_300_800_000_000))
    }
}

/// Values of a statement in the order in which its text asks for them.
struct BoundSQL {
    private(set) var values: [PostgresValue] = []

    /// What stands for the value in the text: `$1` and so on.
    mutating func bind(_ value: PostgresValue) -> String {
        values.append(value)
        return "$\(values.count)"
    }
}
