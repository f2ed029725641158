public import ClusterState
public import Telemetry

/// A task as `GET /api/v1/tasks/{task_id}` shows it, wherever it comes from: the live state or PostgreSQL.
public struct TaskDocument: Sendable {
    public var key: TaskKey
    public var title: String
    public var description: String
    public var taskType: String
    /// Nil if the task has none.
    public var target: String?
    /// A JSON object.
    public var parameters: [UInt8]
    /// 1 (most urgent) to 10.
    public var priority: UInt32
    public var status: TaskStatus
    /// `auto`, `parallel`, `sequential` or `plan`.
    public var strategy: String
    /// Each agent of the plan once, in order.
    public var assignedAgents: [String]
    /// The JSON that each finished step gave, by the step's id (which is the agent's unless a plan names it otherwise).
    public var agentResults: [(step: String, json: [UInt8])]
    /// The JSON of the whole; nil until there is one.
    public var result: [UInt8]?
    /// The report inside the result.
    public var output: String?
    public var summary: String?
    /// Millionths, as in the state.
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
    public var revision: Revision

    /// How it ran.
    public struct Execution: Sendable {
        /// The name of the node that has it, or had it last.
        public var node: String?
        public var attempt: UInt32
        /// Nil if it was never assigned.
        public var epoch: UInt64?
        /// Each provider that answered once, in order.
        public var providers: [String]
        public var inputTokens: UInt64
        public var outputTokens: UInt64
        public var costMicroUSD: UInt64
        /// Of the model that chose the agents; nil where none did.
        public var modelVersion: String?

        public init(
            node: String?, attempt: UInt32, epoch: UInt64?, providers: [String] = [], inputTokens: UInt64 = 0,
            outputTokens: UInt64 = 0, costMicroUSD: UInt64 = 0, modelVersion: String? = nil
        ) {
            self.node = node
            self.attempt = attempt
            self.epoch = epoch
            self.providers = providers
            self.inputTokens = inputTokens
            self.outputTokens = outputTokens
            self.costMicroUSD = costMicroUSD
            self.modelVersion = modelVersion
        }
    }

    public struct Failure: Equatable, Sendable {
        /// As `FailureReason.name`, or `cancelled`.
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

    public init(
        key: TaskKey, title: String, description: String, taskType: String, target: String?, parameters: [UInt8],
        priority: UInt32, status: TaskStatus, strategy: String, assignedAgents: [String], execution: Execution,
        createdAt: WallTime, updatedAt: WallTime, createdBy: String, revision: Revision
    ) {
        self.key = key
        self.title = title
        self.description = description
        self.taskType = taskType
        self.target = target
        self.parameters = parameters
        self.priority = priority
        self.status = status
        self.strategy = strategy
        self.assignedAgents = assignedAgents
        agentResults = []
        self.execution = execution
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.createdBy = createdBy
        self.revision = revision
    }
}
