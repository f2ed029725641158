/// Where a task is in its life. The raw values are those of the schema and never change.
public enum TaskStatus: UInt8, CaseIterable, Sendable {
    /// Queued, waiting for dependencies, or held until ExecuteTask.
    case pending = 1
    case assigned = 2
    case executing = 3
    case waitingApproval = 4
    case cancelling = 5
    case completed = 6
    case failed = 7
    case cancelled = 8

    public var isTerminal: Bool {
        switch self {
        case .pending, .assigned, .executing, .waitingApproval, .cancelling: false
        case .completed, .failed, .cancelled: true
        }
    }

    /// A node has it: it occupies a slot there.
    public var isOnNode: Bool {
        switch self {
        case .assigned, .executing, .waitingApproval, .cancelling: true
        case .pending, .completed, .failed, .cancelled: false
        }
    }

    /// The spelling of the HTTP contract.
    public var name: String {
        switch self {
        case .pending: "pending"
        case .assigned: "assigned"
        case .executing: "executing"
        case .waitingApproval: "waiting_approval"
        case .cancelling: "cancelling"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }
}

/// A step that has begun. A step without a row is pending.
public enum StepStatus: UInt8, CaseIterable, Sendable {
    case running = 1
    case completed = 2
    case failed = 3
    case skipped = 4
    /// Its node died, or the task ended without it.
    case interrupted = 5

    /// It is done in this run of the task and will not be run again.
    public var isSettled: Bool {
        switch self {
        case .completed, .failed, .skipped: true
        case .running, .interrupted: false
        }
    }

    public var name: String {
        switch self {
        case .running: "running"
        case .completed: "completed"
        case .failed: "failed"
        case .skipped: "skipped"
        case .interrupted: "interrupted"
        }
    }
}

public enum NodeStatus: UInt8, CaseIterable, Sendable {
    case available = 1
    case suspended = 2
    case left = 3

    public var name: String {
        switch self {
        case .available: "available"
        case .suspended: "suspended"
        case .left: "left"
        }
    }
}

/// Why a task failed, as `error_details.reason` gives it.
public enum FailureReason: UInt8, CaseIterable, Sendable {
    case agentsFailed = 1
    case deadline = 2
    case maxAttempts = 3
    case poison = 4
    case dependencyFailed = 5
    case budget = 6
    case rejected = 7
    case `internal` = 8

    public var name: String {
        switch self {
        case .agentsFailed: "agents_failed"
        case .deadline: "deadline"
        case .maxAttempts: "max_attempts"
        case .poison: "poison"
        case .dependencyFailed: "dependency_failed"
        case .budget: "budget"
        case .rejected: "rejected"
        case .internal: "internal"
        }
    }
}

public enum EventKind: UInt8, CaseIterable, Sendable {
    case taskCreated = 1
    case taskExecutionStarted = 2
    case agentStarted = 3
    case agentCompleted = 4
    case agentFailed = 5
    case taskCompleted = 6
    case taskFailed = 7
    case taskCancelled = 8
    case memberChanged = 9
    case approvalRequired = 10
    case breakerChanged = 11

    public var name: String {
        switch self {
        case .taskCreated: "task_created"
        case .taskExecutionStarted: "task_execution_started"
        case .agentStarted: "agent_started"
        case .agentCompleted: "agent_completed"
        case .agentFailed: "agent_failed"
        case .taskCompleted: "task_completed"
        case .taskFailed: "task_failed"
        case .taskCancelled: "task_cancelled"
        case .memberChanged: "member_changed"
        case .approvalRequired: "approval_required"
        case .breakerChanged: "breaker_changed"
        }
    }
}
