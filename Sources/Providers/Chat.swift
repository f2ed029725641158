/// What is asked of a model, in no provider's words.
public struct ChatRequest: Sendable, Hashable {
    public var messages: [ChatMessage]
    /// The longest answer in tokens, nil for the provider's configured limit.
    public var maximumOutputTokens: Int?
    /// 0 to 2, nil for the model's own default.
    public var temperature: Double?
    public var format: ResponseFormat

    public init(
        _ messages: [ChatMessage], maximumOutputTokens: Int? = nil, temperature: Double? = nil,
        format: ResponseFormat = .text
    ) {
        self.messages = messages
        self.maximumOutputTokens = maximumOutputTokens
        self.temperature = temperature
        self.format = format
    }
}

public struct ChatMessage: Sendable, Hashable {
    public enum Role: String, Sendable, Hashable, Codable { case system, user, assistant }

    public var role: Role
    public var text: String

    public init(_ role: Role, _ text: String) {
        self.role = role
        self.text = text
    }
}

/// What the answer must look like. A model may still answer otherwise: the caller checks.
public enum ResponseFormat: Sendable, Hashable {
    case text
    /// Any JSON object.
    case json
    /// JSON that follows a JSON Schema; the name is `[A-Za-z0-9_-]`, at most 64.
    case jsonSchema(name: String, schema: JSONValue)
}

/// A finished answer. Streaming (which comes on top) ends in the same value.
public struct ChatCompletion: Sendable, Hashable {
    public var text: String
    /// What a reasoning model thought, where the provider shows it. Never part of the answer.
    public var reasoning: String?
    /// The model as the provider names it, which may be more exact than what was asked for.
    public var model: String
    public var finish: FinishReason
    /// Nil where the provider does not say.
    public var usage: TokenUsage?

    public init(text: String, reasoning: String? = nil, model: String, finish: FinishReason, usage: TokenUsage?) {
        self.text = text
        self.reasoning = reasoning
        self.model = model
        self.finish = finish
        self.usage = usage
    }
}

/// Why a model stopped.
public enum FinishReason: Sendable, Hashable {
    case stop
    /// The limit on output tokens cut the answer.
    case length
    case contentFilter
    case toolCalls
    /// A reason that this version does not know, in the provider's word.
    case other(String)
}
