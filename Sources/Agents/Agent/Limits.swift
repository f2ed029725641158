/// Every limit of this room, with its unit. The defaults suit a node of two cores that runs a few agents at once.
public struct Limits: Sendable, Equatable {
    // MARK: Input

    /// Parameters that an agent does not know, as far as they are named in a refusal.
    public var unknownParameters = 20

    // MARK: Results

    /// The encoded JSON of one `AgentResult`, in bytes. Findings beyond it are counted, not carried.
    public var resultBytes = 64 * 1024
    /// The Markdown report inside a result, in bytes.
    public var reportBytes = 20 * 1024
    /// The summary inside a result, in bytes.
    public var summaryBytes = 1_000
    /// Recommendations in a result.
    public var recommendations = 10
    /// One recommendation, in bytes.
    public var recommendationBytes = 600
    /// The line of evidence that a finding quotes, in bytes.
    public var evidenceTextBytes = 240
    /// Findings that one tool reports; the rest it counts.
    public var findingsPerTool = 2_000
    /// Rows of one evidence table; the rest are counted.
    public var tableRows = 40

    // MARK: Input

    /// `parameters.code`, in bytes.
    public var codeBytes = 64 * 1024
    /// `parameters.filename`, in bytes.
    public var filenameBytes = 255
    /// `target`, in bytes.
    public var targetBytes = 4_096

    // MARK: Workspace

    /// Files read by one run.
    public var files = 20_000
    /// One file, in bytes; larger ones are skipped and counted.
    public var fileBytes = 1024 * 1024
    /// All files of one run together, in bytes. A run holds these bytes and twelve more for each token in them.
    public var totalBytes = 32 * 1024 * 1024
    /// Folders below the target.
    public var depth = 32
    /// Folder entries looked at by one run, skipped ones included.
    public var entries = 200_000

    // MARK: Tool threads

    /// Threads that run blocking work, shared by all agents of a node.
    public var toolThreads = 2
    /// Jobs waiting for one of them; one more is refused with `AgentError.overloaded`.
    public var toolQueue = 64

    // MARK: Child processes

    /// How long `git log` may take.
    public var gitTime = Duration.seconds(10)
    /// What `git log` may write, in bytes; what comes after is cut and said so.
    public var gitOutputBytes = 4 * 1024 * 1024
    /// Commits that are read, newest first.
    public var gitCommits = 2_000

    // MARK: Reasoning

    /// The evidence that is shown to a reasoner, in bytes.
    public var promptBytes = 48 * 1024
    /// A reasoner's answer, in bytes; a longer one counts as malformed.
    public var replyBytes = 64 * 1024
    /// Tokens that a reasoner is asked to stay below.
    public var replyTokens = 2_000

    // MARK: Thresholds of the code analysis

    /// Cyclomatic complexity above which a function is a finding; twice as much is a finding of medium severity.
    public var functionComplexity = 15
    /// Lines above which a function is a finding; twice as many is a finding of medium severity.
    public var functionLines = 100
    /// Tokens that two passages must share to be called a duplicate.
    public var duplicateTokens = 100

    /// The defaults.
    public init() {}
}
