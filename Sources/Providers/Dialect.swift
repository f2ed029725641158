import Egress

/// A wire format. One file each holds it as pure functions; this is the list of them.
public enum Dialect: String, Sendable, Hashable, CaseIterable {
    /// OpenAI's chat completions, spoken by most providers and local servers.
    case openAIChat = "openai"
    /// Ollama's own `/api/chat`.
    case ollamaChat = "ollama"

    /// What follows the base URL.
    var chatPath: String {
        switch self {
        case .openAIChat: OpenAIChat.path
        case .ollamaChat: OllamaChat.path
        }
    }

    /// The body of a request for a whole answer.
    func body(_ chat: ChatRequest, for provider: ProviderConfiguration) throws(ProviderFailure) -> [UInt8] {
        switch self {
        case .openAIChat: try OpenAIChat.body(chat, for: provider)
        case .ollamaChat: try OllamaChat.body(chat, for: provider)
        }
    }

    /// The fields that carry the key.
    func authentication(_ key: Secret?) -> [HTTPHeader] {
        switch self {
        case .openAIChat, .ollamaChat: key.map { [HTTPHeader("Authorization", prefix: "Bearer ", secret: $0)] } ?? []
        }
    }

    /// The completion in the body of a 2xx response.
    func completion(_ body: [UInt8], limits: ProviderLimits) throws(ProviderFailure) -> ChatCompletion {
        switch self {
        case .openAIChat: try OpenAIChat.completion(body, limits: limits)
        case .ollamaChat: try OllamaChat.completion(body, limits: limits)
        }
    }
}
