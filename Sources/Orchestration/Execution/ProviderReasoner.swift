public import Agents
import FoundationEssentials
public import Providers

/// The provider chain as the agents' way to reason.
public struct ProviderReasoner: Reasoner {
    private let chain: ProviderChain
    private let patience: Duration

    /// - Parameter patience: for one answer of the whole chain, if the task sets no deadline.
    public init(chain: ProviderChain, patience: Duration = .seconds(60)) {
        self.chain = chain
        self.patience = patience
    }

    public func reason(_ request: ReasoningRequest) async -> ReasoningOutcome {
        let budget = request.deadline.map { min($0 - ContinuousClock.now, patience) } ?? patience
        let chat = ChatRequest(
            [ChatMessage(.system, request.instruction), ChatMessage(.user, request.message)],
            maximumOutputTokens: request.maximumTokens, format: .json)
        do throws(ProviderChainError) {
            let completion = try await chain.complete(chat, within: budget)
            return ReasoningOutcome(
                answer: .init(
                    text: completion.completion.text, provider: completion.provider.text,
                    model: completion.completion.model),
                attempts: Self.attempts(completion.attempts),
                tokens: TokenCount(input: completion.usage.input, output: completion.usage.output),
                costMicroUSD: completion.cost.amount)
        } catch {
            return ReasoningOutcome(answer: nil, attempts: Self.attempts(error.attempts))
        }
    }

    private static func attempts(_ attempts: [Providers.ProviderAttempt]) -> [Agents.ProviderAttempt] {
        attempts.map { attempt in
            Agents.ProviderAttempt(
                provider: attempt.provider.text, outcome: attempt.outcomeName,
                elapsedMilliseconds: Int(attempt.elapsed / .milliseconds(1)), error: attempt.errorText)
        }
    }
}
