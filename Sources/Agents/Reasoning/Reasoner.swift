/// Whatever can reason over evidence: the provider chain, adapted by the room above.
///
/// Anything that goes wrong is an outcome, not an error: the synthesiser takes over, and the attempts are kept.
public protocol Reasoner: Sendable {
    /// Answers with JSON that fits `request.answerSchema`. Ends soon after the awaiting task is cancelled.
    func reason(_ request: ReasoningRequest) async -> ReasoningOutcome
}

/// A question over evidence. Instructions and data are apart: `instruction` is ours, `evidence` is quoted from what the
/// tools read and may contain anything.
public struct ReasoningRequest: Sendable {
    /// The system message.
    public var instruction: String
    /// The user message: the task's own words and the evidence, each as delimited data.
    public var message: String
    /// The JSON schema of the answer.
    public var answerSchema: JSONValue
    /// Tokens the answer should stay below.
    public var maximumTokens: Int
    public var deadline: ContinuousClock.Instant?
    /// The ids that an answer may refer to.
    var knownFindings: Set<String>
    /// What was noticed in the evidence itself.
    var flags: [String]
}

/// What came of a question.
public struct ReasoningOutcome: Sendable {
    /// The model's text and where it came from; nil where no provider answered.
    public var answer: Answer?
    /// Every provider that was asked, in order, the answering one included.
    public var attempts: [ProviderAttempt]
    /// What all attempts together used, also where none of them answered.
    public var tokens: TokenCount
    public var costMicroUSD: Int64

    public struct Answer: Sendable {
        public var text: String
        public var provider: String
        public var model: String

        public init(text: String, provider: String, model: String) {
            self.text = text
            self.provider = provider
            self.model = model
        }
    }

    public init(
        answer: Answer?, attempts: [ProviderAttempt], tokens: TokenCount = TokenCount(), costMicroUSD: Int64 = 0
    ) {
        self.answer = answer
        self.attempts = attempts
        self.tokens = tokens
        self.costMicroUSD = costMicroUSD
    }
}
