/// A reasoner's answer, checked. What does not fit is no answer.
struct ReasoningReply: Decodable {
    var summary: String
    var report: String
    var recommendations: [String]
    var keyFindings: [String]
    var confidence: Double

    enum CodingKeys: String, CodingKey {
        case summary, report, recommendations, confidence
        case keyFindings = "key_findings"
    }

    static let schema: JSONValue = [
        "type": "object",
        "additionalProperties": false,
        "required": ["summary", "report", "recommendations", "key_findings", "confidence"],
        "properties": [
            "summary": ["type": "string"],
            "report": ["type": "string"],
            "recommendations": ["type": "array", "items": ["type": "string"]],
            "key_findings": ["type": "array", "items": ["type": "string"]],
            "confidence": ["type": "number", "minimum": 0, "maximum": 1],
        ],
    ]

    /// Reads an answer; a code fence around it, which many models add, is taken off.
    /// - Returns: nil for an answer that is too long, no such object, or says nothing.
    init?(text: String, limits: Limits) {
        guard text.utf8.count <= limits.replyBytes else { return nil }
        var body = text.trimmed
        if body.hasPrefix("```"), body.hasSuffix("```"), let newline = body.firstIndex(of: "\n") {
            body = String(body[body.index(after: newline)...].dropLast(3))
        }
        guard let reply = try? AgentJSON.decode(ReasoningReply.self, from: body.utf8),
            !reply.summary.trimmed.isEmpty, !reply.report.trimmed.isEmpty, (0...1).contains(reply.confidence)
        else { return nil }
        self = reply
    }
}

extension AgentResult {
    /// Takes over a reasoner's answer, or keeps what the synthesiser composed; the attempts and the cost are kept
    /// either way.
    ///
    /// Findings stay those of the tools: an answer can only put known ones first.
    mutating func apply(_ outcome: ReasoningOutcome, to request: ReasoningRequest, limits: Limits) {
        attempts = outcome.attempts
        tokens = outcome.tokens
        costMicroUSD = outcome.costMicroUSD
        safety.flags = request.flags
        guard let answer = outcome.answer else { return }
        guard let reply = ReasoningReply(text: answer.text, limits: limits) else {
            let last = attempts.lastIndex { $0.provider == answer.provider }
            if let last {
                attempts[last].outcome = "malformed_answer"
                attempts[last].error = "the answer does not fit its schema"
            }
            return
        }
        provider = answer.provider
        model = answer.model
        summary = SecretScanner.masked(SafeMarkdown.sanitised(reply.summary.trimmed))
        let words = SecretScanner.masked(SafeMarkdown.sanitised(reply.report.trimmed))
        // The evidence stays below, within what is left: a reader can check what the model says.
        output =
            words.cut(toBytes: limits.reportBytes * 2 / 3, atLine: true) + "\n\n---\n\n"
            + output.replacing(
                "_Composed from the evidence", with: "_From here on composed from the evidence")
        recommendations = reply.recommendations.filter { !$0.trimmed.isEmpty }
            .map { SecretScanner.masked(SafeMarkdown.sanitised($0.trimmed)) }
        confidence = Scores.rounded(min(confidence, reply.confidence))
        let unknown = reply.keyFindings.contains { !request.knownFindings.contains($0) }
        if unknown { safety.flags.append("unknown_finding_cited") }
        let places = Dictionary(
            reply.keyFindings.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let keyed = findings.filter { places[$0.id] != nil }
            .sorted { (places[$0.id] ?? 0) < (places[$1.id] ?? 0) }
        findings = keyed + findings.filter { places[$0.id] == nil }
    }
}
