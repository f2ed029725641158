public import Egress

extension ProviderSettings {
    /// All providers, or every mistake in all of them. An order within a tier is that of the list.
    ///
    /// `secret` reads a key; it gives nil when there is none, and is called once for each reference.
    public static func validated(
        _ list: [ProviderSettings], limits: ProviderLimits = ProviderLimits(), secret: (SecretReference) -> Secret?
    ) throws(ProviderConfigurationError) -> [ProviderConfiguration] {
        var problems: [ProviderConfigurationError.Problem] = []
        var providers: [ProviderConfiguration] = []
        var seen: Set<String> = []
        if list.count > limits.providers {
            problems.append(.init(field: "providers", message: "more than \(limits.providers)"))
        }
        for (index, settings) in list.enumerated() {
            var check = ProviderCheck(settings, at: "providers[\(index)]", limits: limits)
            if let provider = check.provider(secret: secret) { providers.append(provider) }
            if let id = settings.id, !seen.insert(id).inserted { check.report("id", "\"\(id)\" is there twice") }
            problems += check.problems
        }
        guard problems.isEmpty else { throw ProviderConfigurationError(problems: problems) }
        return providers
    }
}

/// Goes through one provider's settings and collects what is wrong.
private struct ProviderCheck {
    private let settings: ProviderSettings
    private let path: String
    private let limits: ProviderLimits
    private(set) var problems: [ProviderConfigurationError.Problem] = []

    init(_ settings: ProviderSettings, at path: String, limits: ProviderLimits) {
        self.settings = settings
        self.path = path
        self.limits = limits
    }

    mutating func report(_ field: String, _ message: String) {
        problems.append(.init(field: "\(path).\(field)", message: message))
    }

    /// Each part is checked even when one before it failed.
    mutating func provider(secret: (SecretReference) -> Secret?) -> ProviderConfiguration? {
        for field in settings.unknownFields { report(field, "is not a known field") }
        let id = checkedID()
        let tier = checkedTier()
        let dialect = checkedDialect()
        let url = checkedURL(dialect)
        let model = checkedModel()
        let key = checkedKey(secret)
        let price = checkedPrice()
        let deadlines = checkedDeadlines()
        let outputTokens = checkedOutputTokens()
        let field = checkedOutputLimitField(dialect)
        let trust = checkedTrust(url)
        guard problems.isEmpty, let id, let tier, let dialect, let url, let model else { return nil }
        return ProviderConfiguration(
            id: id, tier: tier, dialect: dialect, chatURL: url, model: model, key: key, price: price,
            deadlines: deadlines,
            maximumOutputTokens: outputTokens, outputLimitField: field, trust: trust)
    }

    private mutating func checkedID() -> ProviderID? {
        let id = settings.id ?? ""
        let allowed = "abcdefghijklmnopqrstuvwxyz0123456789._-"
        guard !id.isEmpty, id.utf8.count <= 64, id.allSatisfy(allowed.contains) else {
            report("id", "must be 1 to 64 of a-z, 0-9, \".\", \"_\", \"-\"")
            return nil
        }
        guard id != ProviderID.builtin.text else {
            report("id", "\"\(id)\" is the name of the built-in synthesiser")
            return nil
        }
        return ProviderID(id)
    }

    private mutating func checkedTier() -> ProviderTier? {
        let tier = settings.tier.flatMap(ProviderTier.init)
        if tier == nil {
            report("tier", "must be \(ProviderTier.range.lowerBound) to \(ProviderTier.range.upperBound)")
        }
        return tier
    }

    private mutating func checkedDialect() -> Dialect? {
        let dialect = settings.dialect.flatMap(Dialect.init)
        if dialect == nil {
            report("dialect", "must be one of \(Dialect.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return dialect
    }

    private mutating func checkedURL(_ dialect: Dialect?) -> EgressURL? {
        guard let text = settings.baseURL else {
            report("base_url", "is missing")
            return nil
        }
        do {
            let base = try EgressURL(text)
            if base.pathAndQuery.contains("?") { report("base_url", "must not have a query") }
            return try dialect.map { (dialect) throws(PolicyDenial) in try base.appending(path: dialect.chatPath) }
        } catch {
            report("base_url", "\(error)")
            return nil
        }
    }

    private mutating func checkedModel() -> String? {
        guard let model = settings.model, !model.isEmpty, model.utf8.count <= 256,
            model.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else {
            report("model", "must be 1 to 256 visible ASCII characters")
            return nil
        }
        return model
    }

    private mutating func checkedKey(_ secret: (SecretReference) -> Secret?) -> Secret? {
        let field: String
        let reference: SecretReference
        switch (settings.apiKeyEnv, settings.apiKeyFile) {
        case (nil, nil): return nil
        case (_?, _?):
            report("api_key_file", "contradicts api_key_env: give one of the two")
            return nil
        case (let name?, nil): (field, reference) = ("api_key_env", .environment(name))
        case (nil, let file?): (field, reference) = ("api_key_file", .file(file))
        }
        guard let key = secret(reference), !key.isEmpty else {
            report(field, "holds no key")
            return nil
        }
        guard key.reveal().utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            report(field, "the key has characters that a header cannot carry")
            return nil
        }
        return key
    }

    private mutating func checkedPrice() -> ProviderPrice {
        if (settings.inputUSDPerMillionTokens == nil) != (settings.outputUSDPerMillionTokens == nil) {
            report("input_usd_per_million_tokens", "and output_usd_per_million_tokens go together")
        }
        return ProviderPrice(
            inputPerMillionTokens: checkedAmount("input_usd_per_million_tokens", settings.inputUSDPerMillionTokens),
            outputPerMillionTokens: checkedAmount("output_usd_per_million_tokens", settings.outputUSDPerMillionTokens))
    }

    private mutating func checkedAmount(_ field: String, _ dollars: Double?) -> MicroUSD {
        guard let dollars else { return .zero }
        guard (0...10_000).contains(dollars) else {
            report(field, "must be 0 to 10000")
            return .zero
        }
        return MicroUSD(Int64((dollars * 1_000_000).rounded()))
    }

    private mutating func checkedDeadlines() -> EgressDeadlines {
        let defaults = EgressDeadlines()
        let deadlines = EgressDeadlines(
            connect: checkedTimeout("connect_timeout_seconds", settings.connectTimeoutSeconds) ?? defaults.connect,
            firstByte: checkedTimeout("first_byte_timeout_seconds", settings.firstByteTimeoutSeconds)
                ?? defaults.firstByte,
            idle: checkedTimeout("idle_timeout_seconds", settings.idleTimeoutSeconds) ?? defaults.idle,
            total: checkedTimeout("total_timeout_seconds", settings.totalTimeoutSeconds) ?? defaults.total)
        if deadlines.total < max(deadlines.connect, deadlines.firstByte) {
            report("total_timeout_seconds", "is shorter than the connect or first-byte timeout")
        }
        return deadlines
    }

    private mutating func checkedTimeout(_ field: String, _ seconds: Double?) -> Duration? {
        guard let seconds else { return nil }
        guard seconds > 0, seconds.isFinite, .seconds(seconds) <= limits.longestTimeout else {
            report(field, "must be more than 0 and at most \(limits.longestTimeout.components.seconds)")
            return nil
        }
        return .seconds(seconds)
    }

    private mutating func checkedOutputTokens() -> Int? {
        guard let tokens = settings.maxOutputTokens else { return nil }
        if !(1...limits.outputTokens).contains(tokens) {
            report("max_output_tokens", "must be 1 to \(limits.outputTokens)")
        }
        return tokens
    }

    private mutating func checkedOutputLimitField(_ dialect: Dialect?) -> OutputLimitField {
        guard let text = settings.outputLimitField else { return .maxTokens }
        guard let field = OutputLimitField(rawValue: text) else {
            let known = OutputLimitField.allCases.map(\.rawValue).joined(separator: ", ")
            report("output_limit_field", "must be one of \(known)")
            return .maxTokens
        }
        if dialect == .ollamaChat { report("output_limit_field", "is not for the ollama dialect") }
        return field
    }

    private mutating func checkedTrust(_ url: EgressURL?) -> TLSTrust {
        guard let file = settings.caFile else { return .system }
        if !file.hasPrefix("/") { report("ca_file", "must be an absolute path") }
        if url?.endpoint.scheme == .http { report("ca_file", "contradicts base_url, which is http") }
        return .authorities(file: file)
    }
}
