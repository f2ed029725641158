/// What a run of an agent may use. Made once per run by whoever runs it.
public struct AgentContext: Sendable {
    public var workspace: Workspace
    public var threads: ToolThreads
    /// The provider chain, or nil where none is configured: then the synthesiser composes the result.
    public var reasoner: (any Reasoner)?
    public var limits: Limits
    /// When the run must be over; then it ends with `AgentError.deadlineExceeded`.
    public var deadline: ContinuousClock.Instant?
    /// Called on no particular thread, in order, and not after `Agent.run` has returned. Must not block.
    public var progress: @Sendable (AgentProgress) -> Void

    public init(
        workspace: Workspace, threads: ToolThreads, reasoner: (any Reasoner)? = nil, limits: Limits = Limits(),
        deadline: ContinuousClock.Instant? = nil, progress: @escaping @Sendable (AgentProgress) -> Void = { _ in }
    ) {
        self.workspace = workspace
        self.threads = threads
        self.reasoner = reasoner
        self.limits = limits
        self.deadline = deadline
        self.progress = progress
    }
}

/// How far a run has come. `percent` never falls within a run.
public struct AgentProgress: Sendable, Hashable, Codable {
    /// 0 to 100.
    public var percent: Int
    /// The tool that is running, or `reasoning`, `composing`, `done`.
    public var step: String

    public init(percent: Int, step: String) {
        self.percent = percent
        self.step = step
    }
}
