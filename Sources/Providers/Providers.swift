// Providers: asking a model, through a chain of providers.
//
// What lives here
//   ProviderSettings       a provider as the operator wrote it; `validated` gives every mistake at once
//   ProviderConfiguration  a provider that can be called; valid by construction
//   Dialect                wire formats as pure functions, one file each: chat request → HTTP, HTTP → completion
//   ProviderFailure        what a failed call means: try another, wait, mend the key, mend the request
//   ProviderChain          calls the providers in order within one budget and records every attempt
//   ProviderLimits         every bound of the room
//
// The way of a call
//   ChatRequest → for each available provider, best tier first: dialect → Egress → dialect → completion, or a failure
//   that is recorded and followed by the next provider → ChainCompletion, or a typed error with all attempts.
//
// The chain ends with the last configured provider. The built-in synthesiser, which composes a report from evidence
// without a model, belongs to the agents: they use it when the chain throws.
//
// What may not live here: sockets (Egress has them), clocks of the cluster, breaker state (replicated; it enters as the
// closure `isAvailable`), model names and prices (configuration), anything about agents.

/// The name of a provider in configuration, results and metrics: lower-case letters, digits, `.`, `_`, `-`.
public struct ProviderID: Sendable, Hashable, Comparable, CustomStringConvertible, Codable {
    public let text: String

    public init(_ text: String) { self.text = text }
    public init(from decoder: any Decoder) throws { text = try decoder.singleValueContainer().decode(String.self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    public static func < (left: ProviderID, right: ProviderID) -> Bool { left.text < right.text }

    public var description: String { text }

    /// The name that results carry when no provider answered; no provider may have it.
    public static let builtin = ProviderID("builtin")
}
