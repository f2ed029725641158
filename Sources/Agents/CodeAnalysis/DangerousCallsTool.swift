/// Constructs that are dangerous where they stand, by language, each with its weakness in the CWE list.
///
/// What stands in comments and strings does not count: the rules match tokens.
struct DangerousCallsTool: SourceTool {
    let name: ToolName = "dangerous_calls"
    let summary = "Finds calls and constructs that lead to known weaknesses, with their CWE ids."

    func examine(_ sources: Sources) throws(AgentError) -> Evidence {
        var findings: [Finding] = []
        var counts: [String: Int] = [:]
        for file in sources.files where file.language.isProgramming {
            try sources.interrupt.check()
            let view = CodeView(file)
            let matches = CallRules.matches(in: view) + QueryRule.matches(in: view) + ShellRule.matches(in: view)
            for match in matches {
                counts[match.rule.title, default: 0] += 1
                findings.append(file.finding(match.rule, at: match.offset, limits: sources.limits))
            }
        }
        var evidence = sources.evidence(name)
        evidence.setFindings(findings, limit: sources.limits.findingsPerTool)
        evidence.metrics = [Metric("dangerous_calls", "dangerous constructs", Double(findings.count))]
        let common = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3)
        evidence.headline =
            findings.isEmpty
            ? "no dangerous construct that the rules know"
            : "\(Grouped.many(findings.count, "dangerous construct")), most often: "
                + common.map { "\($0.key.lowercased()) (\($0.value))" }.joined(separator: ", ")
        return evidence
    }
}
