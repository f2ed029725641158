extension AgentResult {
    enum CodingKeys: String, CodingKey {
        case success, output, summary, findings, recommendations, confidence, provider, model, tokens, tools, attempts
        case safety
        case omittedFindings = "omitted_findings"
        case findingCounts = "finding_counts"
        case qualityScore = "quality_score"
        case durationSeconds = "duration_seconds"
        case costUSD = "cost_usd"
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        success = try container.decode(Bool.self, forKey: .success)
        output = try container.decode(String.self, forKey: .output)
        summary = try container.decode(String.self, forKey: .summary)
        findings = try container.decode([Finding].self, forKey: .findings)
        omittedFindings = try container.decode(Int.self, forKey: .omittedFindings)
        findingCounts = try container.decode([Severity: Int].self, forKey: .findingCounts)
        recommendations = try container.decode([String].self, forKey: .recommendations)
        qualityScore = try container.decode(Double.self, forKey: .qualityScore)
        confidence = try container.decode(Double.self, forKey: .confidence)
        durationSeconds = try container.decode(Double.self, forKey: .durationSeconds)
        provider = try container.decode(String.self, forKey: .provider)
        model = try container.decode(String.self, forKey: .model)
        tokens = try container.decode(TokenCount.self, forKey: .tokens)
        let dollars = try container.decode(Double.self, forKey: .costUSD)
        guard let micro = Int64(exactly: (dollars * 1_000_000).rounded()) else {
            throw DecodingError.dataCorruptedError(
                forKey: .costUSD, in: container, debugDescription: "cost_usd is out of range")
        }
        costMicroUSD = micro
        tools = try container.decode([ToolRun].self, forKey: .tools)
        attempts = try container.decode([ProviderAttempt].self, forKey: .attempts)
        safety = try container.decode(SafetyReport.self, forKey: .safety)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(success, forKey: .success)
        try container.encode(output, forKey: .output)
        try container.encode(summary, forKey: .summary)
        try container.encode(findings, forKey: .findings)
        try container.encode(omittedFindings, forKey: .omittedFindings)
        try container.encode(findingCounts, forKey: .findingCounts)
        try container.encode(recommendations, forKey: .recommendations)
        try container.encode(qualityScore, forKey: .qualityScore)
        try container.encode(confidence, forKey: .confidence)
        try container.encode(durationSeconds, forKey: .durationSeconds)
        try container.encode(provider, forKey: .provider)
        try container.encode(model, forKey: .model)
        try container.encode(tokens, forKey: .tokens)
        try container.encode(Double(costMicroUSD) / 1_000_000, forKey: .costUSD)
        try container.encode(tools, forKey: .tools)
        try container.encode(attempts, forKey: .attempts)
        try container.encode(safety, forKey: .safety)
    }

    /// The JSON schema of a result.
    public static let schema: JSONValue = [
        "type": "object",
        "required": [
            "success", "output", "summary", "findings", "omitted_findings", "finding_counts", "recommendations",
            "quality_score", "confidence", "duration_seconds", "provider", "model", "tokens", "cost_usd", "tools",
            "attempts", "safety",
        ],
        "properties": [
            "success": ["type": "boolean"],
            "output": ["type": "string"],
            "summary": ["type": "string"],
            "findings": ["type": "array", "items": Finding.schema],
            "omitted_findings": ["type": "integer", "minimum": 0],
            "finding_counts": ["type": "object", "additionalProperties": ["type": "integer"]],
            "recommendations": ["type": "array", "items": ["type": "string"]],
            "quality_score": ["type": "number", "minimum": 0, "maximum": 1],
            "confidence": ["type": "number", "minimum": 0, "maximum": 1],
            "duration_seconds": ["type": "number", "minimum": 0],
            "provider": ["type": "string"],
            "model": ["type": "string"],
            "tokens": ["type": "object", "required": ["input", "output"]],
            "cost_usd": ["type": "number", "minimum": 0],
            "tools": ["type": "array", "items": ["type": "object", "required": ["name", "ok", "duration_seconds"]]],
            "attempts": [
                "type": "array", "items": ["type": "object", "required": ["provider", "outcome", "elapsed_ms"]],
            ],
            "safety": ["type": "object", "required": ["flags"]],
        ],
    ]
}

extension Finding {
    /// The JSON schema of a finding.
    static let schema: JSONValue = [
        "type": "object",
        "required": [
            "id", "rule", "severity", "certainty", "title", "description", "location", "evidence", "remediation",
        ],
        "properties": [
            "severity": ["type": "string", "enum": .array(Severity.allCases.map { .string($0.rawValue) })],
            "certainty": ["type": "string", "enum": .array(Certainty.allCases.map { .string($0.rawValue) })],
            "location": ["type": "object", "required": ["path", "line"]],
        ],
    ]
}
