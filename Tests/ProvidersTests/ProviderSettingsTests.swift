import Egress
import FoundationEssentials
import Testing

@testable import Providers

@Suite("Provider settings")
struct ProviderSettingsTests {
    private func problems(_ list: [ProviderSettings], secret: (SecretReference) -> Secret? = { _ in Secret("k") })
        -> [String]
    {
        do {
            _ = try ProviderSettings.validated(list, secret: secret)
            return []
        } catch {
            return error.problems.map(\.field)
        }
    }

    private var valid: ProviderSettings {
        ProviderSettings(
            id: "groq", tier: 1, dialect: "openai", baseURL: "https://api.groq.com/openai/v1",
            model: "openai/gpt-oss-120b")
    }

    private func with(_ change: (inout ProviderSettings) -> Void) -> ProviderSettings {
        var settings = valid
        change(&settings)
        return settings
    }

    @Test("a file's provider is read whole")
    func decoding() throws {
        let json = """
            {"id":"groq","tier":2,"dialect":"openai","base_url":"https://api.groq.com/openai/v1/","model":"m","api_key_env":"GROQ_KEY",
            "input_usd_per_million_tokens":0.35,"output_usd_per_million_tokens":0.75,"connect_timeout_seconds":1,"first_byte_timeout_seconds":2.5,
            "idle_timeout_seconds":3,"total_timeout_seconds":40,"max_output_tokens":512,"output_limit_field":"max_completion_tokens",
            "ca_file":"/etc/ca.pem"}
            """
        let settings = try JSONDecoder().decode(ProviderSettings.self, from: Data(json.utf8))
        let provider = try #require(
            try ProviderSettings.validated([settings]) { $0 == .environment("GROQ_KEY") ? Secret("gsk") : nil }.first)
        #expect(provider.id == ProviderID("groq") && provider.tier.number == 2 && provider.dialect == .openAIChat)
        #expect(provider.chatURL.text == "https://api.groq.com/openai/v1/chat/completions")
        #expect(provider.endpoint.description == "https://api.groq.com")
        #expect(provider.key?.reveal() == "gsk" && !"\(provider)".contains("gsk"))
        #expect(
            provider.price
                == ProviderPrice(inputPerMillionTokens: MicroUSD(350_000), outputPerMillionTokens: MicroUSD(750_000)))
        #expect(
            provider.deadlines
                == EgressDeadlines(
                    connect: .seconds(1), firstByte: .milliseconds(2_500), idle: .seconds(3), total: .seconds(40)))
        #expect(provider.maximumOutputTokens == 512 && provider.outputLimitField == .maxCompletionTokens)
        #expect(provider.trust == .authorities(file: "/etc/ca.pem"))
    }

    @Test("what is not said has its default")
    func defaults() throws {
        let provider = try ProviderSettings.validated([valid]) { _ in nil }[0]
        #expect(provider.key == nil && provider.price == .free && provider.deadlines == EgressDeadlines())
        #expect(provider.maximumOutputTokens == nil && provider.trust == .system)
    }

    @Test("every mistake in every provider is listed at once, with its field")
    func everything() throws {
        let json =
            #"{"id":"A B","tier":0,"dialect":"x","base_url":"ftp://h","model":"","api_key_env":"NONE","modle":"y"}"#
        let bad = try JSONDecoder().decode(ProviderSettings.self, from: Data(json.utf8))
        #expect(
            problems([valid, bad, ProviderSettings()], secret: { _ in nil }) == [
                "providers[1].modle", "providers[1].id", "providers[1].tier", "providers[1].dialect",
                "providers[1].base_url",
                "providers[1].model", "providers[1].api_key_env", "providers[2].id", "providers[2].tier",
                "providers[2].dialect",
                "providers[2].base_url", "providers[2].model",
            ])
    }

    @Test("each rule refuses its mistake and nothing else")
    func rules() {
        let table: [(String, (inout ProviderSettings) -> Void)] = [
            ("id", { $0.id = "" }), ("id", { $0.id = String(repeating: "a", count: 65) }),
            ("id", { $0.id = "builtin" }),
            ("id", { $0.id = "Ä" }), ("tier", { $0.tier = 7 }), ("tier", { $0.tier = nil }),
            ("dialect", { $0.dialect = "OpenAI" }),
            ("base_url", { $0.baseURL = "https://u:p@h/" }), ("base_url", { $0.baseURL = "https://h/v1?key=1" }),
            ("base_url", { $0.baseURL = "api.groq.com" }), ("model", { $0.model = "a b" }),
            ("model", { $0.model = String(repeating: "a", count: 257) }),
            (
                "api_key_file",
                {
                    $0.apiKeyEnv = "A"
                    $0.apiKeyFile = "/b"
                }
            ),
            ("input_usd_per_million_tokens", { $0.inputUSDPerMillionTokens = 1 }),
            (
                "output_usd_per_million_tokens",
                {
                    $0.inputUSDPerMillionTokens = 1
                    $0.outputUSDPerMillionTokens = -1
                }
            ),
            (
                "input_usd_per_million_tokens",
                {
                    $0.inputUSDPerMillionTokens = .nan
                    $0.outputUSDPerMillionTokens = 1
                }
            ),
            ("connect_timeout_seconds", { $0.connectTimeoutSeconds = 0 }),
            ("idle_timeout_seconds", { $0.idleTimeoutSeconds = 601 }),
            ("first_byte_timeout_seconds", { $0.firstByteTimeoutSeconds = .infinity }),
            ("total_timeout_seconds", { $0.totalTimeoutSeconds = 1 }),
            ("max_output_tokens", { $0.maxOutputTokens = 0 }),
            ("max_output_tokens", { $0.maxOutputTokens = 1_000_001 }),
            ("output_limit_field", { $0.outputLimitField = "limit" }),
            (
                "output_limit_field",
                {
                    $0.dialect = "ollama"
                    $0.outputLimitField = "max_tokens"
                }
            ),
            ("ca_file", { $0.caFile = "ca.pem" }),
            (
                "ca_file",
                {
                    $0.caFile = "/ca.pem"
                    $0.baseURL = "http://h/"
                }
            ),
        ]
        for (field, change) in table {
            #expect(problems([with(change)]) == ["providers[0].\(field)"], "\(field)")
        }
        #expect(problems([valid]).isEmpty)
    }

    @Test("a key that is missing, empty or unfit for a header is refused without being shown")
    func keys() throws {
        for key in [nil, "", "a b", "a\nb", "ä"] {
            do {
                _ = try ProviderSettings.validated([with { $0.apiKeyFile = "/key" }]) { _ in key.map(Secret.init) }
                Issue.record("taken")
            } catch {
                #expect(error.problems.map(\.field) == ["providers[0].api_key_file"])
                if let key, !key.isEmpty { #expect(!error.description.contains(key)) }
            }
        }
    }

    @Test("names are unique, and there are at most as many providers as the limit says")
    func several() {
        let limit = ProviderLimits().providers
        let many = (0...limit).map { number in with { $0.id = "p\(number)" } }
        #expect(problems(Array(many.dropLast())).isEmpty)
        #expect(problems(many) == ["providers"])
        #expect(problems([valid, valid]) == ["providers[1].id"])
    }

    @Test("cost is exact, rounded once, and never overflows")
    func cost() {
        let price = ProviderPrice(inputPerMillionTokens: MicroUSD(350_000), outputPerMillionTokens: MicroUSD(750_000))
        #expect(price.cost(of: TokenUsage(input: 1_000_000, output: 1_000_000)) == MicroUSD(1_100_000))
        #expect(price.cost(of: TokenUsage(input: 1, output: 0)) == .zero)
        #expect(price.cost(of: TokenUsage(input: 1, output: 1)) == MicroUSD(1))
        #expect(price.cost(of: TokenUsage(input: 0, output: 2)) == MicroUSD(2), "1.5 is rounded up")
        #expect(price.cost(of: TokenUsage(input: .max, output: .max)).amount > 0)
        #expect(MicroUSD(.max) + MicroUSD(1) == MicroUSD(.max))
        #expect(
            TokenUsage(input: .max, output: 1) + TokenUsage(input: 1, output: 1) == TokenUsage(input: .max, output: 2))
    }
}
