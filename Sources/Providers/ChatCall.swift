import Egress
import FoundationEssentials

/// One call as pure functions: the request that goes out, and what the reply means.
enum ChatCall {
    /// The provider's own deadlines hold, but never past `limit`.
    static func request(
        _ chat: ChatRequest, to provider: ProviderConfiguration, within limit: Duration, traceparent: String?,
        limits: ProviderLimits
    ) throws(ProviderFailure) -> EgressRequest {
        var headers = [HTTPHeader("Content-Type", "application/json"), HTTPHeader("Accept", "application/json")]
        if let traceparent { headers.append(HTTPHeader("traceparent", traceparent)) }
        headers += provider.dialect.authentication(provider.key)
        var deadlines = provider.deadlines
        deadlines.total = min(deadlines.total, limit)
        return EgressRequest(
            .post, provider.chatURL, for: .operatorConfigured(provider.endpoint), headers: headers,
            body: try provider.dialect.body(chat, for: provider), deadlines: deadlines,
            maximumResponseBytes: limits.responseBytes,
            redirects: .returned, trust: provider.trust)
    }

    /// What a reply brought, and what it cost: an answer that is no use may have been paid for.
    struct Answer {
        var result: Result<ChatCompletion, ProviderFailure>
        var usage: TokenUsage?
    }

    static func answer(_ reply: EgressReply, from provider: ProviderConfiguration, limits: ProviderLimits, now: Date)
        -> Answer
    {
        guard (200..<300).contains(reply.status) else {
            return Answer(result: .failure(ProviderFailure(reply, key: provider.key, limits: limits, now: now)))
        }
        do {
            var completion = try provider.dialect.completion(reply.body, limits: limits)
            if completion.model.isEmpty { completion.model = provider.model }
            return Answer(result: judged(completion), usage: completion.usage)
        } catch {
            return Answer(result: .failure(error))
        }
    }

    /// An answer without any text is no answer: another provider may have one. One that was cut before its first word
    /// is told apart, because a higher limit on tokens cures it.
    private static func judged(_ completion: ChatCompletion) -> Result<ChatCompletion, ProviderFailure> {
        guard completion.text.isEmpty else { return .success(completion) }
        let cause =
            completion.finish == .length
            ? "the token limit cut the answer before its first word" : "the answer has no text"
        return .failure(.retryable(.malformedResponse, cause))
    }
}
