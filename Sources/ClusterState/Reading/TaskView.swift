public import Raft

/// A task as it is: what was asked for, and how far it has come.
public struct TaskView: Sendable {
    public let key: TaskKey
    public let spec: TaskSpec
    public let record: TaskRecord

    public var status: TaskStatus { record.status }
    public var revision: Revision { record.lastRevision }

    /// Who has it; nil unless it is on a node.
    public var assignment: Assignment? { record.status.isOnNode ? Assignment(record) : nil }

    /// 0 to 100, by steps: what every node agrees on. Finer progress travels outside the log.
    public var progressPercent: Int {
        if record.status == .completed { return 100 }
        return spec.steps.isEmpty ? 0 : Int(record.stepsCompleted) * 100 / spec.steps.count
    }
}

/// One attempt at one step of a task's plan.
public struct StepView: Sendable {
    /// Its place in the plan, from 0.
    public let ordinal: UInt32
    public let plan: PlanStep
    /// Nil if it has not begun.
    public let attempt: UInt32?
    public let record: StepRecord?

    /// Nil: pending.
    public var status: StepStatus? { record?.status }
}

/// Some of a tenant's tasks, newest first.
public struct TaskPage: Sendable {
    public let tasks: [TaskView]
    /// Where the next page begins; nil at the end.
    public let next: Revision?
}

/// What is left of a task that was evicted: its end, and where PostgreSQL must have come to know of it.
public struct Tombstone: Equatable, Sendable {
    public let status: TaskStatus
    public let revision: Revision

    public init(status: TaskStatus, revision: Revision) {
        self.status = status
        self.revision = revision
    }
}

/// A task that PostgreSQL has not taken, as of a revision.
public struct OutboxItem: Equatable, Sendable {
    public let key: TaskKey
    public let revision: Revision
}

/// A node as the cluster knows it.
public struct NodeView: Sendable {
    public let id: NodeID
    public let record: NodeRecord
    /// Tasks that its present boot has.
    public let usedSlots: Int
    /// What it can still take; 0 unless available.
    public let freeSlots: Int

    public var status: NodeStatus { record.status }
}

/// How many tasks there are of each kind.
public struct TaskCounts: Equatable, Sendable {
    private let byStatus: [Int]
    /// Pending and runnable: waiting for a slot.
    public let queued: Int
    /// Pending for dependencies.
    public let waiting: Int
    /// Pending until ExecuteTask.
    public let held: Int

    init(byStatus: [Int], queued: Int, waiting: Int, held: Int) {
        self.byStatus = byStatus
        self.queued = queued
        self.waiting = waiting
        self.held = held
    }

    public subscript(status: TaskStatus) -> Int { byStatus[Int(status.rawValue)] }
    public var total: Int { byStatus.reduce(0, +) }
}

/// What a client that resumes gets.
public enum EventsRead: Sendable {
    /// In order. `next` is where to go on: everything up to it has been looked at.
    case page([Event], next: EventOffset)
    /// The offset has left the window; a part would be a lie. Give a snapshot of the channel instead.
    case gone
}
