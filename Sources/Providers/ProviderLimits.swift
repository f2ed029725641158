/// Every bound of this room.
///
/// | Limit | Default | Beyond it |
/// |---|---|---|
/// | `providers` | 64 | the configuration is refused |
/// | `messages`, `promptBytes` | 256, 1 MiB | `ProviderChainError.invalidRequest` |
/// | `responseBytes` | 4 MiB | the attempt fails with `tooLarge` |
/// | `shortestAttempt` | 100 ms | with less than that left of the budget no further provider is tried |
/// | `errorDetailCharacters` | 300 | a provider's words about a failure are cut |
/// | `longestRetryAfter` | 24 h | a longer wait that a provider asks for counts as this |
/// | `longestTimeout` | 10 min | the configuration is refused |
/// | `outputTokens` | 1,000,000 | the configuration is refused |
public struct ProviderLimits: Sendable, Equatable {
    public var providers = 64
    public var messages = 256
    public var promptBytes = 1 << 20
    public var responseBytes = 4 << 20
    public var shortestAttempt: Duration = .milliseconds(100)
    public var errorDetailCharacters = 300
    public var longestRetryAfter: Duration = .seconds(86_400)
    public var longestTimeout: Duration = .seconds(600)
    public var outputTokens = 1_000_000

    public init() {}
}
