import Egress
import Logging
import LoopbackServer

@testable import Providers

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Settings of a provider at this server, valid as they are.
func settings(
    _ id: String, at server: LoopbackServer, dialect: Dialect = .openAIChat, tier: Int = 1,
    change: (inout ProviderSettings) -> Void = { _ in }
) -> ProviderSettings {
    var settings = ProviderSettings(
        id: id, tier: tier, dialect: dialect.rawValue, baseURL: server.url("/v1"), model: "model-of-\(id)")
    settings.connectTimeoutSeconds = 30
    settings.firstByteTimeoutSeconds = 30
    change(&settings)
    return settings
}

/// A chain over these providers, with a client that may reach them. Every key reference gives `key-of-<name>`.
func chain(_ settings: [ProviderSettings], limits: ProviderLimits = ProviderLimits()) throws -> (
    ProviderChain, EgressClient
) {
    let providers = try ProviderSettings.validated(settings) { reference in
        switch reference {
        case .environment(let name), .file(let name): Secret("key-of-\(name)")
        }
    }
    var policy = EgressPolicy()
    policy.operatorEndpoints = Set(providers.map(\.endpoint))
    let client = EgressClient(policy: policy, logger: quietLogger)
    return (ProviderChain(providers, client: client, limits: limits, logger: quietLogger), client)
}

/// One valid provider, for pure functions.
func provider(_ dialect: Dialect, change: (inout ProviderSettings) -> Void = { _ in }) throws -> ProviderConfiguration {
    var settings = ProviderSettings(
        id: "p", tier: 1, dialect: dialect.rawValue, baseURL: "https://api.test/v1", model: "m")
    change(&settings)
    return try ProviderSettings.validated([settings]) { _ in Secret("sk-123") }[0]
}

func reply(_ status: Int, _ headers: [HTTPHeader] = [], _ body: String = "") throws -> EgressReply {
    EgressReply(
        head: ResponseHead(version: .http1_1, status: status, headers: headers),
        url: try EgressURL("https://api.test/"), body: Array(body.utf8))
}

let openAIAnswer = """
    {"model":"exact","choices":[{"message":{"content":"hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":10}}
    """

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
