/// A provider as the operator wrote it in the configuration, nothing checked. Field names in files are the snake-case
/// ones of ``CodingKeys``. Keys are referred to, never written here.
public struct ProviderSettings: Sendable, Equatable {
    public var id: String?
    public var tier: Int?
    /// `openai` or `ollama`.
    public var dialect: String?
    /// Up to but without the dialect's own path: `https://api.openai.com/v1`, `http://localhost:11434`.
    public var baseURL: String?
    public var model: String?
    /// The environment variable that holds the key.
    public var apiKeyEnv: String?
    /// The file that holds the key.
    public var apiKeyFile: String?
    public var inputUSDPerMillionTokens: Double?
    public var outputUSDPerMillionTokens: Double?
    public var connectTimeoutSeconds: Double?
    public var firstByteTimeoutSeconds: Double?
    public var idleTimeoutSeconds: Double?
    public var totalTimeoutSeconds: Double?
    public var maxOutputTokens: Int?
    public var outputLimitField: String?
    /// A PEM file with the only authorities that this provider's certificate may come from.
    public var caFile: String?
    /// Fields in the file that no version of this program knows, most likely misspelt.
    public var unknownFields: [String] = []

    public init(
        id: String? = nil, tier: Int? = nil, dialect: String? = nil, baseURL: String? = nil, model: String? = nil
    ) {
        self.id = id
        self.tier = tier
        self.dialect = dialect
        self.baseURL = baseURL
        self.model = model
    }
}

extension ProviderSettings: Decodable {
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case id, tier, dialect, model
        case baseURL = "base_url"
        case apiKeyEnv = "api_key_env"
        case apiKeyFile = "api_key_file"
        case inputUSDPerMillionTokens = "input_usd_per_million_tokens"
        case outputUSDPerMillionTokens = "output_usd_per_million_tokens"
        case connectTimeoutSeconds = "connect_timeout_seconds"
        case firstByteTimeoutSeconds = "first_byte_timeout_seconds"
        case idleTimeoutSeconds = "idle_timeout_seconds"
        case totalTimeoutSeconds = "total_timeout_seconds"
        case maxOutputTokens = "max_output_tokens"
        case outputLimitField = "output_limit_field"
        case caFile = "ca_file"
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decodeIfPresent(String.self, forKey: .id)
        tier = try fields.decodeIfPresent(Int.self, forKey: .tier)
        dialect = try fields.decodeIfPresent(String.self, forKey: .dialect)
        baseURL = try fields.decodeIfPresent(String.self, forKey: .baseURL)
        model = try fields.decodeIfPresent(String.self, forKey: .model)
        apiKeyEnv = try fields.decodeIfPresent(String.self, forKey: .apiKeyEnv)
        apiKeyFile = try fields.decodeIfPresent(String.self, forKey: .apiKeyFile)
        inputUSDPerMillionTokens = try fields.decodeIfPresent(Double.self, forKey: .inputUSDPerMillionTokens)
        outputUSDPerMillionTokens = try fields.decodeIfPresent(Double.self, forKey: .outputUSDPerMillionTokens)
        connectTimeoutSeconds = try fields.decodeIfPresent(Double.self, forKey: .connectTimeoutSeconds)
        firstByteTimeoutSeconds = try fields.decodeIfPresent(Double.self, forKey: .firstByteTimeoutSeconds)
        idleTimeoutSeconds = try fields.decodeIfPresent(Double.self, forKey: .idleTimeoutSeconds)
        totalTimeoutSeconds = try fields.decodeIfPresent(Double.self, forKey: .totalTimeoutSeconds)
        maxOutputTokens = try fields.decodeIfPresent(Int.self, forKey: .maxOutputTokens)
        outputLimitField = try fields.decodeIfPresent(String.self, forKey: .outputLimitField)
        caFile = try fields.decodeIfPresent(String.self, forKey: .caFile)
        let known = Set(CodingKeys.allCases.map(\.rawValue))
        unknownFields = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue).filter {
            !known.contains($0)
        }.sorted()
    }
}

/// Where a key is kept.
public enum SecretReference: Sendable, Hashable {
    case environment(String)
    case file(String)
}

/// Everything that is wrong with the configured providers.
public struct ProviderConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One mistake: the field (`providers[2].base_url`) and what is wrong with it.
    public struct Problem: Sendable, Hashable, CustomStringConvertible {
        public let field: String
        public let message: String

        public var description: String { "\(field): \(message)" }
    }

    /// At least one, in the order of the file.
    public let problems: [Problem]

    public var description: String { problems.map(\.description).joined(separator: "\n") }
}
