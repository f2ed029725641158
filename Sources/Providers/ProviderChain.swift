public import Egress
import FoundationEssentials
public import Logging

/// The configured providers in order: the best tier first, within a tier as configured. Each is asked at most once for
/// a request; the first answer wins. A value: sharing it shares nothing but the client.
///
/// A provider that calls the request invalid is followed by the next like any other failure, because what one refuses
/// (a long prompt, a schema) another takes.
public struct ProviderChain: Sendable {
    public let providers: [ProviderConfiguration]
    private let client: EgressClient
    private let limits: ProviderLimits
    private let logger: Logger

    /// The client's policy must list every provider's ``ProviderConfiguration/endpoint``.
    public init(
        _ providers: [ProviderConfiguration], client: EgressClient, limits: ProviderLimits = ProviderLimits(),
        logger: Logger
    ) {
        let order = providers.enumerated().sorted { ($0.element.tier, $0.offset) < ($1.element.tier, $1.offset) }
        self.providers = order.map(\.element)
        self.client = client
        self.limits = limits
        self.logger = logger
    }

    /// The first answer, within `budget` for all attempts together.
    ///
    /// - Parameters:
    ///   - traceparent: goes along as the W3C header of that name.
    ///   - isAvailable: asked right before each provider would be called; this is where breaker state enters.
    public func complete(
        _ request: ChatRequest, within budget: Duration, traceparent: String? = nil,
        isAvailable: @Sendable (ProviderID) -> Bool = { _ in true }
    ) async throws(ProviderChainError) -> ChainCompletion {
        try check(request)
        let clock = ContinuousClock()
        let end = clock.now + budget
        var attempts: [ProviderAttempt] = []
        for provider in providers {
            guard isAvailable(provider.id) else {
                attempts.append(skipped(provider, .unavailable))
                continue
            }
            let start = clock.now
            guard end - start >= limits.shortestAttempt else {
                attempts.append(skipped(provider, .outOfTime))
                continue
            }
            let answer = await ask(provider, request, within: end - start, traceparent: traceparent)
            let attempt = record(provider, answer, elapsed: clock.now - start)
            attempts.append(attempt)
            switch answer.result {
            case .success(let completion):
                return ChainCompletion(completion: completion, provider: provider.id, attempts: attempts)
            case .failure(.cancelled):
                throw .cancelled(attempts)
            case .failure(let failure):
                log(failure, of: attempt)
            }
        }
        throw attempts.allSatisfy { $0.outcome == .unavailable } ? .noProviderAvailable(attempts) : .exhausted(attempts)
    }

    private func check(_ request: ChatRequest) throws(ProviderChainError) {
        guard !request.messages.isEmpty, request.messages.count <= limits.messages else {
            throw .invalidRequest("a request has 1 to \(limits.messages) messages")
        }
        guard request.messages.reduce(0, { $0 + $1.text.utf8.count }) <= limits.promptBytes else {
            throw .invalidRequest("the messages are longer than \(limits.promptBytes) bytes")
        }
        if let temperature = request.temperature, !(0...2).contains(temperature) {
            throw .invalidRequest("the temperature is 0 to 2")
        }
    }

    private func ask(
        _ provider: ProviderConfiguration, _ chat: ChatRequest, within limit: Duration, traceparent: String?
    ) async -> ChatCall.Answer {
        let request: EgressRequest
        do {
            request = try ChatCall.request(chat, to: provider, within: limit, traceparent: traceparent, limits: limits)
        } catch {
            return ChatCall.Answer(result: .failure(error))
        }
        do {
            let reply = try await client.collect(request)
            return ChatCall.answer(reply, from: provider, limits: limits, now: Date())
        } catch {
            return ChatCall.Answer(result: .failure(ProviderFailure(error)))
        }
    }

    private func record(_ provider: ProviderConfiguration, _ answer: ChatCall.Answer, elapsed: Duration)
        -> ProviderAttempt
    {
        let outcome: ProviderAttempt.Outcome
        switch answer.result {
        case .success: outcome = .completed
        case .failure(let failure): outcome = .failed(failure)
        }
        return ProviderAttempt(
            provider: provider.id, model: provider.model, outcome: outcome, elapsed: elapsed, usage: answer.usage,
            cost: answer.usage.map(provider.price.cost) ?? .zero)
    }

    private func skipped(_ provider: ProviderConfiguration, _ outcome: ProviderAttempt.Outcome) -> ProviderAttempt {
        ProviderAttempt(provider: provider.id, model: provider.model, outcome: outcome, elapsed: .zero)
    }

    private func log(_ failure: ProviderFailure, of attempt: ProviderAttempt) {
        logger.info(
            "provider failed",
            metadata: ["provider": "\(attempt.provider)", "outcome": "\(failure.kind)", "error": "\(failure.detail)"])
    }
}
