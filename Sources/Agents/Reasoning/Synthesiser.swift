/// Composes a result from evidence alone: the last link of the provider chain, and the only one that cannot fail.
///
/// Deterministic: equal evidence gives equal text. It says of itself that no model was asked (`provider: "builtin"`).
struct Synthesiser: Sendable {
    static let provider = "builtin"
    static let model = "synthesiser"

    let declaration: AgentDeclaration
    let limits: Limits

    func compose(input: AgentInput, evidence: [Evidence], runs: [ToolRun]) -> AgentResult {
        let findings = Finding.ranked(evidence.flatMap(\.findings))
        let omitted = evidence.reduce(0) { $0 + $1.omitted.values.reduce(0, +) }
        var counts: [Severity: Int] = [:]
        for severity in Severity.allCases { counts[severity] = 0 }
        for finding in findings { counts[finding.severity, default: 0] += 1 }
        for (severity, count) in evidence.flatMap(\.omitted) { counts[severity, default: 0] += count }
        let examined = evidence.contains { $0.coverage.examined > 0 }
        let scores = Scores(evidence: evidence, runs: runs)
        let subject = Subject(declaration: declaration, input: input)
        let recommendations = Recommendations.from(findings, limit: limits.recommendations)
        let report = Report(
            subject: subject, evidence: evidence, findings: findings, counts: counts, recommendations: recommendations,
            runs: runs)
        return AgentResult(
            success: examined && runs.contains { $0.ok }, output: report.markdown,
            summary: Summary.text(subject, evidence: evidence, findings: findings, counts: counts, examined: examined),
            findings: findings, omittedFindings: omitted, findingCounts: counts, recommendations: recommendations,
            qualityScore: scores.quality, confidence: scores.confidence, durationSeconds: 0, provider: Self.provider,
            model: Self.model, tokens: TokenCount(), costMicroUSD: 0, tools: runs, attempts: [],
            safety: SafetyReport())
    }
}

/// What a report is about, by name.
struct Subject {
    var agent: String
    /// The target or file name, in code marks.
    var thing: String

    init(declaration: AgentDeclaration, input: AgentInput) {
        agent = declaration.name
        let named = input.target ?? input.parameters["filename"]?.stringValue
        thing = named.map(SafeMarkdown.code) ?? "the given input"
    }
}

/// Counts of findings in words.
enum Tally {
    /// `2 critical, 1 high and 14 lesser findings`; `no findings`.
    static func words(_ counts: [Severity: Int]) -> String {
        let grave = [Severity.critical, .high, .medium].compactMap { severity -> String? in
            guard let count = counts[severity], count > 0 else { return nil }
            return "\(Grouped.count(count)) \(severity.rawValue)"
        }
        let lesser = (counts[.low] ?? 0) + (counts[.info] ?? 0)
        if grave.isEmpty {
            return lesser == 0 ? "no findings" : Grouped.many(lesser, "minor finding")
        }
        guard lesser > 0 else {
            let total = counts.values.reduce(0, +)
            return grave.joined(separator: ", ") + (total == 1 ? " finding" : " findings")
        }
        return "\(grave.joined(separator: ", ")) and \(Grouped.many(lesser, "lesser finding"))"
    }
}

/// The one or two sentences of a result.
enum Summary {
    static func text(
        _ subject: Subject, evidence: [Evidence], findings: [Finding], counts: [Severity: Int], examined: Bool
    ) -> String {
        guard examined else {
            let notes = evidence.flatMap(\.notes).prefix(2).joined(separator: " ")
            return "Nothing could be examined in \(subject.thing). \(notes)".trimmed
        }
        let scope = evidence.first { !$0.headline.isEmpty }?.headline ?? "examined"
        var text = "\(subject.agent) of \(subject.thing): \(scope); \(Tally.words(counts))."
        if let worst = findings.first, worst.severity < .low {
            text += " Most urgent: \(worst.title) at \(worst.location.path):\(worst.location.line)."
        }
        return text
    }
}

/// What to do, made from the remediations of the findings: one recommendation a remedy, the gravest first.
enum Recommendations {
    static func from(_ findings: [Finding], limit: Int) -> [String] {
        struct Remedy {
            var text: String
            var worst: Severity
            var places: [Location] = []
        }
        var order: [String] = []
        var remedies: [String: Remedy] = [:]
        for finding in findings where !finding.remediation.isEmpty {
            if remedies[finding.remediation] == nil {
                order.append(finding.remediation)
                remedies[finding.remediation] = Remedy(text: finding.remediation, worst: finding.severity)
            }
            remedies[finding.remediation]?.places.append(finding.location)
        }
        // Findings come worst first, so a stable sort by severity and number keeps ties in that order.
        let sorted = order.compactMap { remedies[$0] }.enumerated().sorted { left, right in
            if left.element.worst != right.element.worst { return left.element.worst < right.element.worst }
            if left.element.places.count != right.element.places.count {
                return left.element.places.count > right.element.places.count
            }
            return left.offset < right.offset
        }
        return sorted.prefix(limit).map { _, remedy in
            let shown = remedy.places.prefix(3).map { "\($0.path):\($0.line)" }.joined(separator: ", ")
            let more = remedy.places.count > 3 ? " and \(Grouped.count(remedy.places.count - 3)) more" : ""
            return "\(remedy.text) (\(remedy.worst.rawValue): \(shown)\(more))"
        }
    }
}
