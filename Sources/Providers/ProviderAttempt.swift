/// One provider's part in a call: what the task's `attempts` list shows.
public struct ProviderAttempt: Sendable, Hashable {
    public enum Outcome: Sendable, Hashable {
        case completed
        /// Not called, because its circuit is open, it is rate-limited or disabled.
        case unavailable
        /// Not called, because too little of the budget was left.
        case outOfTime
        case failed(ProviderFailure)
    }

    public let provider: ProviderID
    /// The model that was asked for.
    public let model: String
    public let outcome: Outcome
    public let elapsed: Duration
    /// Nil where the provider does not say; a failed attempt may have cost something too.
    public let usage: TokenUsage?
    public let cost: MicroUSD

    public init(
        provider: ProviderID, model: String, outcome: Outcome, elapsed: Duration, usage: TokenUsage? = nil,
        cost: MicroUSD = .zero
    ) {
        self.provider = provider
        self.model = model
        self.outcome = outcome
        self.elapsed = elapsed
        self.usage = usage
        self.cost = cost
    }

    /// A stable word for `attempts[].outcome` and metrics.
    public var outcomeName: String {
        switch outcome {
        case .completed: "completed"
        case .unavailable: "unavailable"
        case .outOfTime: "out_of_time"
        case .failed(let failure): failure.kind
        }
    }

    /// One line for `attempts[].error`, nil where nothing failed.
    public var errorText: String? {
        switch outcome {
        case .completed: nil
        case .unavailable: "not called: not available now"
        case .outOfTime: "not called: no time left"
        case .failed(let failure): failure.detail
        }
    }
}

/// What the chain brought.
public struct ChainCompletion: Sendable, Hashable {
    public let completion: ChatCompletion
    public let provider: ProviderID
    /// In order, the last one being the one that answered.
    public let attempts: [ProviderAttempt]

    /// Of all attempts.
    public var cost: MicroUSD { attempts.reduce(.zero) { $0 + $1.cost } }
    /// Of all attempts that said.
    public var usage: TokenUsage { attempts.compactMap(\.usage).reduce(TokenUsage(input: 0, output: 0), +) }
}

/// Why the chain brought nothing.
public enum ProviderChainError: Error, Sendable, Hashable {
    /// No provider is configured, or none of them was available: nothing was called.
    case noProviderAvailable([ProviderAttempt])
    /// Those that were called failed, or the budget was spent.
    case exhausted([ProviderAttempt])
    case cancelled([ProviderAttempt])
    /// The request passes a limit of this room; nothing was called.
    case invalidRequest(String)

    public var attempts: [ProviderAttempt] {
        switch self {
        case .noProviderAvailable(let attempts), .exhausted(let attempts), .cancelled(let attempts): attempts
        case .invalidRequest: []
        }
    }
}
