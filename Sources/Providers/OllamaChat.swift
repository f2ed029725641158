import Egress

/// Ollama's own chat: `POST {base}/api/chat`.
///
/// It streams unless told not to; limits and temperature stand under `options`; a schema is given as `format` itself;
/// errors are `{"error":"…"}`, and may come with status 200.
enum OllamaChat {
    static let path = "/api/chat"

    static func body(_ chat: ChatRequest, for provider: ProviderConfiguration) throws(ProviderFailure) -> [UInt8] {
        let limit = chat.maximumOutputTokens ?? provider.maximumOutputTokens
        let hasOptions = limit != nil || chat.temperature != nil
        return try WireJSON.encode(
            Request(
                model: provider.model, messages: chat.messages.map { Message(role: $0.role, content: $0.text) },
                stream: false,
                format: format(chat.format),
                options: hasOptions ? Options(numPredict: limit, temperature: chat.temperature) : nil))
    }

    static func completion(_ body: [UInt8], limits: ProviderLimits) throws(ProviderFailure) -> ChatCompletion {
        let response = try WireJSON.decode(Response.self, body)
        if let error = response.error, error != .null {
            throw .retryable(.malformedResponse, VendorError(inBand: error, limits: limits).message)
        }
        guard let message = response.message, response.done != false else {
            throw .retryable(.malformedResponse, "the answer is not finished")
        }
        return ChatCompletion(
            text: message.content ?? "", reasoning: message.thinking, model: response.model ?? "",
            finish: finish(response.doneReason),
            usage: usage(response))
    }

    private static func format(_ format: ResponseFormat) -> JSONValue? {
        switch format {
        case .text: nil
        case .json: "json"
        case .jsonSchema(_, let schema): schema
        }
    }

    private static func finish(_ reason: String?) -> FinishReason {
        switch reason {
        case nil, "stop": .stop
        case "length": .length
        case let other?: .other(other)
        }
    }

    /// A prompt that was answered from the model's cache has no count.
    private static func usage(_ response: Response) -> TokenUsage? {
        guard response.promptEvalCount != nil || response.evalCount != nil else { return nil }
        return TokenUsage(input: response.promptEvalCount ?? 0, output: response.evalCount ?? 0)
    }
}

// MARK: the wire

extension OllamaChat {
    private struct Request: Encodable {
        let model: String
        let messages: [Message]
        let stream: Bool
        let format: JSONValue?
        let options: Options?
    }

    private struct Message: Encodable {
        let role: ChatMessage.Role
        let content: String
    }

    private struct Options: Encodable {
        let numPredict: Int?
        let temperature: Double?

        enum CodingKeys: String, CodingKey {
            case temperature
            case numPredict = "num_predict"
        }
    }

    private struct Response: Decodable {
        let model: String?
        let message: Answer?
        let done: Bool?
        let doneReason: String?
        let promptEvalCount: Int?
        let evalCount: Int?
        let error: JSONValue?

        enum CodingKeys: String, CodingKey {
            case model, message, done, error
            case doneReason = "done_reason"
            case promptEvalCount = "prompt_eval_count"
            case evalCount = "eval_count"
        }
    }

    private struct Answer: Decodable {
        let content: String?
        let thinking: String?
    }
}
