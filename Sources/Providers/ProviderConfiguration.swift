public import Egress

/// A provider that can be called. Valid by construction: only ``ProviderSettings/validated(_:limits:secret:)`` makes
/// one.
public struct ProviderConfiguration: Sendable, Hashable {
    public let id: ProviderID
    public let tier: ProviderTier
    public let dialect: Dialect
    /// Where chat requests go: the base URL and the dialect's path.
    public let chatURL: EgressURL
    public let model: String
    public let key: Secret?
    public let price: ProviderPrice
    public let deadlines: EgressDeadlines
    /// The longest answer in tokens where a request does not say, nil for the model's own limit.
    public let maximumOutputTokens: Int?
    public let outputLimitField: OutputLimitField
    public let trust: TLSTrust

    /// As it was configured: without the dialect's path.
    public var baseURL: String { String("\(chatURL)".dropLast(dialect.chatPath.count)) }
    /// What the outbound policy must know as an operator's endpoint (``EgressPolicy/operatorEndpoints``).
    public var endpoint: Endpoint { chatURL.endpoint }

    init(
        id: ProviderID, tier: ProviderTier, dialect: Dialect, chatURL: EgressURL, model: String, key: Secret?,
        price: ProviderPrice,
        deadlines: EgressDeadlines, maximumOutputTokens: Int?, outputLimitField: OutputLimitField, trust: TLSTrust
    ) {
        self.id = id
        self.tier = tier
        self.dialect = dialect
        self.chatURL = chatURL
        self.model = model
        self.key = key
        self.price = price
        self.deadlines = deadlines
        self.maximumOutputTokens = maximumOutputTokens
        self.outputLimitField = outputLimitField
        self.trust = trust
    }
}

/// Where in the order a provider stands, 1 first: 1 premium speed, 2, 3 enterprise, 4 fallbacks, 5 standard, 6 local.
public struct ProviderTier: Sendable, Hashable, Comparable, CustomStringConvertible {
    public static let range = 1...6

    public let number: Int

    /// Nil outside ``range``.
    public init?(_ number: Int) {
        guard ProviderTier.range.contains(number) else { return nil }
        self.number = number
    }

    public static func < (left: ProviderTier, right: ProviderTier) -> Bool { left.number < right.number }

    public var description: String { "\(number)" }
}

/// What the field for the longest answer is called, which differs between endpoints that speak OpenAI's dialect.
public enum OutputLimitField: String, Sendable, Hashable, CaseIterable {
    case maxTokens = "max_tokens"
    case maxCompletionTokens = "max_completion_tokens"
}
