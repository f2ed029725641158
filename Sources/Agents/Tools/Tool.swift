/// One way of gathering evidence: deterministic, without a model, usable alone.
///
/// A tool never blocks the Swift concurrency pool. What reads files, parses, or waits for a child process runs on the
/// context's `ToolThreads`, and asks its `Interrupt` between files. Connectors of other rooms take part in an agent's
/// work by conforming to this protocol.
public protocol Tool: Sendable {
    /// Unique within an agent.
    var name: ToolName { get }
    /// What it finds out, in one sentence, for people and models.
    var summary: String { get }
    /// The JSON schema of `arguments`.
    var inputSchema: JSONValue { get }

    /// Gathers evidence.
    /// - Parameter arguments: a JSON object that fits `inputSchema`; what does not fit throws
    ///   `AgentError.invalidInput`.
    /// - Throws: `AgentError` from the tools of this room; anything else is recorded as this tool's failure.
    func run(_ arguments: JSONValue, in context: ToolContext) async throws -> Evidence
}

/// What a tool may use.
public struct ToolContext: Sendable {
    public let workspace: Workspace
    public let threads: ToolThreads
    public let limits: Limits
    /// When the run must be over.
    public let deadline: ContinuousClock.Instant?
    /// What the tools of this run have read so far, so that nine tools read and split a tree once.
    let sources: SourceCache

    public init(
        workspace: Workspace, threads: ToolThreads, limits: Limits = Limits(), deadline: ContinuousClock.Instant? = nil
    ) {
        self.workspace = workspace
        self.threads = threads
        self.limits = limits
        self.deadline = deadline
        sources = SourceCache()
    }
}
