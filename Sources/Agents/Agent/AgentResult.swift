/// What an agent delivers. Its JSON form is the `agent_results` entry of the HTTP contract.
public struct AgentResult: Sendable, Hashable, Codable {
    /// False where nothing could be examined; a poor result is still a success.
    public var success: Bool
    /// The report, in Markdown without raw HTML, images or links that a viewer would fetch.
    public var output: String
    /// One or two sentences.
    public var summary: String
    /// The worst first. What did not fit is counted in `omittedFindings`.
    public var findings: [Finding]
    /// Findings that are not in `findings`, for want of room.
    public var omittedFindings: Int
    /// All findings by severity, carried or not.
    public var findingCounts: [Severity: Int]
    /// The most useful first.
    public var recommendations: [String]
    /// 0 to 1: how good this result is, not how good what it looks at is. See `Scores`.
    public var qualityScore: Double
    /// 0 to 1: how far the findings can be trusted. See `Scores`.
    public var confidence: Double
    public var durationSeconds: Double
    /// Who composed it: a provider's id, or `builtin`.
    public var provider: String
    public var model: String
    public var tokens: TokenCount
    /// What the reasoning cost, in millionths of a US dollar. In JSON: `cost_usd`, in dollars.
    public var costMicroUSD: Int64
    /// Each tool that ran, in order.
    public var tools: [ToolRun]
    /// Each provider that was asked, in order, the successful one included.
    public var attempts: [ProviderAttempt]
    /// What a reader should be warned of, such as `prompt_injection_suspected`.
    public var safety: SafetyReport
}

/// Tokens as the provider counts them.
public struct TokenCount: Sendable, Hashable, Codable {
    public var input: Int
    public var output: Int

    public init(input: Int = 0, output: Int = 0) {
        self.input = input
        self.output = output
    }
}

/// One tool's part in a run.
public struct ToolRun: Sendable, Hashable, Codable {
    public var name: ToolName
    public var ok: Bool
    public var durationSeconds: Double
    /// Why it failed.
    public var error: String?

    public init(name: ToolName, ok: Bool, durationSeconds: Double, error: String? = nil) {
        self.name = name
        self.ok = ok
        self.durationSeconds = durationSeconds
        self.error = error
    }

    enum CodingKeys: String, CodingKey {
        case name, ok, error
        case durationSeconds = "duration_seconds"
    }
}

/// One request to one provider.
public struct ProviderAttempt: Sendable, Hashable, Codable {
    public var provider: String
    /// `ok`, or the class of the failure, such as `timeout` or `malformed_answer`.
    public var outcome: String
    public var elapsedMilliseconds: Int
    public var error: String?

    public init(provider: String, outcome: String, elapsedMilliseconds: Int, error: String? = nil) {
        self.provider = provider
        self.outcome = outcome
        self.elapsedMilliseconds = elapsedMilliseconds
        self.error = error
    }

    enum CodingKeys: String, CodingKey {
        case provider, outcome, error
        case elapsedMilliseconds = "elapsed_ms"
    }
}

/// Signs of an attempt to steer a reasoner through evidence, and what was removed from its answer.
public struct SafetyReport: Sendable, Hashable, Codable {
    public var flags: [String]

    public init(flags: [String] = []) {
        self.flags = flags
    }
}
