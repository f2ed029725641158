public import ClusterState
public import Telemetry

/// A task as PostgreSQL has it, or will have it: read from a row, or taken from the replicated state. Both are equal for
/// the same revision, but for executions of earlier runs, which the state forgets once PostgreSQL has them.
public struct StoredTask: Sendable, Equatable {
    public var key: TaskKey
    public var revision: Revision
    public var title: String
    public var description: String
    public var taskType: String
    public var target: String?
    /// JSON as it was accepted.
    public var parameters: [UInt8]?
    /// 1 (most urgent) to 10.
    public var priority: UInt32
    public var status: TaskStatus
    /// `auto`, `parallel`, `sequential` or `plan`.
    public var strategy: String
    /// The steps, in their order.
    public var plan: [PlannedStep]
    public var dependsOn: [String]
    /// Each agent of the plan once, in order.
    public var assignedAgents: [String]
    /// JSON; nil until there is one.
    public var result: [UInt8]?
    public var summary: String?
    /// Millionths.
    public var qualityPpm: UInt32?
    public var successPpm: UInt32?
    /// Nil until the task has ended.
    public var durationMilliseconds: UInt64?
    public var execution: Execution
    /// Nil unless the task failed or was cancelled.
    public var failure: Failure?
    public var createdAt: WallTime
    public var updatedAt: WallTime
    public var startedAt: WallTime?
    public var completedAt: WallTime?
    public var createdBy: String
    /// Every attempt at every step, by step, then attempt.
    public var executions: [StoredExecution]

    /// A step of the plan.
    public struct PlannedStep: Sendable, Equatable {
        /// Unique in the plan.
        public var id: String
        public var agent: String
        /// Places in the plan, from 0.
        public var needs: [UInt32]

        public init(id: String, agent: String, needs: [UInt32] = []) {
            self.id = id
            self.agent = agent
            self.needs = needs
        }
    }

    /// How it ran.
    public struct Execution: Sendable, Equatable {
        /// The name of the node that has it, or had it last.
        public var node: String?
        public var attempt: UInt32
        /// The attempt with which the current run began.
        public var runAttempt: UInt32
        /// Nil if it was never assigned.
        public var epoch: UInt64?
        /// Each provider that answered in the current run once, in order.
        public var providers: [String]
        public var inputTokens: UInt64
        public var outputTokens: UInt64
        public var costMicroUSD: UInt64
        /// Part of the cost that attempts reported after they had lost the task.
        public var lateCostMicroUSD: UInt64
    }

    /// Why it failed or was cancelled.
    public struct Failure: Sendable, Equatable {
        /// `FailureReason.name`, or `cancelled`.
        public var reason: String
        public var message: String?
        /// The dependency, step, limit or person it is about.
        public var subject: String?

        public init(reason: String, message: String? = nil, subject: String? = nil) {
            self.reason = reason
            self.message = message
            self.subject = subject
        }
    }

    /// Of each step of the plan the newest attempt of the current run: what `agent_results` shows.
    public var currentExecutions: [StoredExecution] {
        var current: [StoredExecution] = []
        for execution in executions where execution.attempt >= self.execution.runAttempt {
            if current.last?.step == execution.step { current.removeLast() }
            current.append(execution)
        }
        return current
    }

    /// Bytes of the JSON that it carries.
    var contentBytes: Int {
        (parameters?.count ?? 0) + (result?.count ?? 0) + executions.reduce(0) { $0 + ($1.result?.count ?? 0) }
    }
}

/// One attempt at one step.
public struct StoredExecution: Sendable, Equatable {
    /// Its place in the plan, from 0.
    public var step: UInt32
    public var attempt: UInt32
    public var stepID: String
    public var agent: String
    public var status: StepStatus
    /// Nil if no node had it.
    public var epoch: UInt64?
    /// The node's name.
    public var node: String?
    /// JSON; nil until there is one.
    public var result: [UInt8]?
    public var summary: String?
    public var provider: String?
    public var model: String?
    public var inputTokens: UInt64
    public var outputTokens: UInt64
    public var costMicroUSD: UInt64
    public var startedAt: WallTime?
    public var completedAt: WallTime?
    public var durationMilliseconds: UInt64
    /// Millionths.
    public var qualityPpm: UInt32?
    public var failure: StoredTask.Failure?
}
