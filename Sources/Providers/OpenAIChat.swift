import Egress

/// OpenAI's chat completions: `POST {base}/chat/completions`.
///
/// Taken from what its many servers make of it: content as text or as parts; usage with or without details; DeepSeek's
/// cache counters; reasoning under `reasoning_content` or `reasoning`; an error inside a response with status 200.
enum OpenAIChat {
    static let path = "/chat/completions"

    static func body(_ chat: ChatRequest, for provider: ProviderConfiguration) throws(ProviderFailure) -> [UInt8] {
        let limit = chat.maximumOutputTokens ?? provider.maximumOutputTokens
        return try WireJSON.encode(
            Request(
                model: provider.model, messages: chat.messages.map { Message(role: $0.role, content: $0.text) },
                stream: false,
                temperature: chat.temperature, maxTokens: provider.outputLimitField == .maxTokens ? limit : nil,
                maxCompletionTokens: provider.outputLimitField == .maxCompletionTokens ? limit : nil,
                responseFormat: format(chat.format)))
    }

    static func completion(_ body: [UInt8], limits: ProviderLimits) throws(ProviderFailure) -> ChatCompletion {
        let response = try WireJSON.decode(Response.self, body)
        if let error = response.error, error != .null {
            throw .retryable(.malformedResponse, VendorError(inBand: error, limits: limits).message)
        }
        guard let choice = response.choices?.first, let message = choice.message else {
            throw .retryable(.malformedResponse, "the answer has no choice")
        }
        return ChatCompletion(
            text: message.content?.text ?? message.refusal ?? "",
            reasoning: message.reasoningContent ?? message.reasoning,
            model: response.model ?? "", finish: finish(choice.finishReason),
            usage: usage(response.usage ?? choice.usage))
    }

    private static func format(_ format: ResponseFormat) -> JSONValue? {
        switch format {
        case .text: nil
        case .json: ["type": "json_object"]
        case .jsonSchema(let name, let schema):
            ["type": "json_schema", "json_schema": ["name": .string(name), "strict": true, "schema": schema]]
        }
    }

    private static func finish(_ reason: String?) -> FinishReason {
        switch reason {
        case nil, "stop", "eos": .stop
        case "length": .length
        case "content_filter": .contentFilter
        case "tool_calls", "function_call": .toolCalls
        case let other?: .other(other)
        }
    }

    private static func usage(_ usage: Usage?) -> TokenUsage? {
        guard let usage, usage.promptTokens != nil || usage.completionTokens != nil else { return nil }
        return TokenUsage(
            input: usage.promptTokens ?? 0, output: usage.completionTokens ?? 0,
            cachedInput: usage.promptTokensDetails?.cachedTokens ?? usage.promptCacheHitTokens,
            reasoning: usage.completionTokensDetails?.reasoningTokens)
    }
}

// MARK: the wire

extension OpenAIChat {
    private struct Request: Encodable {
        let model: String
        let messages: [Message]
        let stream: Bool
        let temperature: Double?
        let maxTokens: Int?
        let maxCompletionTokens: Int?
        let responseFormat: JSONValue?

        enum CodingKeys: String, CodingKey {
            case model, messages, stream, temperature
            case maxTokens = "max_tokens"
            case maxCompletionTokens = "max_completion_tokens"
            case responseFormat = "response_format"
        }
    }

    private struct Message: Encodable {
        let role: ChatMessage.Role
        let content: String
    }

    private struct Response: Decodable {
        let model: String?
        let choices: [Choice]?
        let usage: Usage?
        let error: JSONValue?
    }

    private struct Choice: Decodable {
        let message: Answer?
        let finishReason: String?
        let usage: Usage?

        enum CodingKeys: String, CodingKey {
            case message, usage
            case finishReason = "finish_reason"
        }
    }

    private struct Answer: Decodable {
        let content: Content?
        let refusal: String?
        let reasoningContent: String?
        let reasoning: String?

        enum CodingKeys: String, CodingKey {
            case content, refusal, reasoning
            case reasoningContent = "reasoning_content"
        }
    }

    private struct Content: Decodable {
        private struct Part: Decodable {
            let text: String?
        }

        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self.text = text
            } else {
                text = try container.decode([Part].self).compactMap(\.text).joined()
            }
        }
    }

    private struct Usage: Decodable {
        struct PromptDetails: Decodable {
            let cachedTokens: Int?
            enum CodingKeys: String, CodingKey { case cachedTokens = "cached_tokens" }
        }

        struct CompletionDetails: Decodable {
            let reasoningTokens: Int?
            enum CodingKeys: String, CodingKey { case reasoningTokens = "reasoning_tokens" }
        }

        let promptTokens: Int?
        let completionTokens: Int?
        let promptTokensDetails: PromptDetails?
        let completionTokensDetails: CompletionDetails?
        let promptCacheHitTokens: Int?

        enum CodingKeys: String, CodingKey {
            case promptTokens = "prompt_tokens"
            case completionTokens = "completion_tokens"
            case promptTokensDetails = "prompt_tokens_details"
            case completionTokensDetails = "completion_tokens_details"
            case promptCacheHitTokens = "prompt_cache_hit_tokens"
        }
    }
}
