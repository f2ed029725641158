public import Raft

/// What one log entry did. Everything outside the state — answers, executors, subscriptions, caches — follows from it.
public struct Applied: Sendable {
    public let index: LogIndex
    /// Whose command it was; nil for commands outside any session and for entries of Raft's own.
    public let session: Envelope.Session?
    public let sequence: UInt64
    public let outcome: Outcome
    /// The session had sent the command before: the outcome is that of the first time, and nothing changed.
    public let isDuplicate: Bool
    /// In the order of their ordinals.
    public let events: [Event]
    public let assignments: [AssignmentChange]
    /// Tasks that have a new revision: for caches and for those who wait.
    public let changedTasks: [TaskKey]
    /// Bytes that the state names from now on and does not hold: whoever keeps the state keeps them.
    public let payloads: [BroughtPayload]
    /// The chain's hash after the entry.
    public let hash: StateHash
}

/// Which boot of which node has a task, and under which epoch.
public struct Assignment: Equatable, Sendable {
    public let node: NodeID
    public let boot: BootID
    public let epoch: Epoch
    public let attempt: UInt32

    public init(node: NodeID, boot: BootID, epoch: Epoch, attempt: UInt32) {
        self.node = node
        self.boot = boot
        self.epoch = epoch
        self.attempt = attempt
    }

    init(_ record: TaskRecord) {
        node = NodeID(record.nodeID)
        boot = BootID(record.bootID)
        epoch = Epoch(record.epoch)
        attempt = record.attempt
    }
}

/// What executors have to know. Each reacts to changes that name its own node and boot.
public enum AssignmentChange: Equatable, Sendable {
    /// Run it.
    case assigned(TaskKey, Assignment)
    /// Stop: nothing sent under this epoch counts any more. Needs no answer.
    case released(TaskKey, Assignment)
    /// Stop and answer CancelAcknowledged.
    case cancelRequested(TaskKey, Assignment)
}

/// The log holds an entry that this build is too old for. Nothing was applied. The node must stop applying, serving and
/// campaigning, keep its files and be upgraded; an entry is never skipped.
public struct UpgradeRequired: Error, Equatable, Sendable {
    public let index: LogIndex
    /// The machine version that is needed, where the entry tells.
    public let machineVersion: UInt32?

    public init(index: LogIndex, machineVersion: UInt32?) {
        self.index = index
        self.machineVersion = machineVersion
    }
}

/// A durable event, as every node derives it.
public struct Event: Sendable {
    public let offset: EventOffset
    public let record: EventRecord
    /// The result that the event reports, as long as the task still has it. An event itself names it by digest only: the
    /// bytes exist once. Nil also for events without a result.
    public let result: Payload?

    public var kind: EventKind { record.kind }
    /// Nil for events that are about no task.
    public var taskKey: TaskKey? { TaskKey(tenant: record.tenant, id: record.taskID) }
}
