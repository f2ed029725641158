/// Credentials in source: tokens with a known beginning, private keys, passwords in URLs, and random-looking values
/// given to telling names. What it finds is never shown in full.
struct SecretsTool: SourceTool {
    let name: ToolName = "secrets"
    let summary = "Finds credentials in source and configuration; shows them masked."

    func examine(_ sources: Sources) throws(AgentError) -> Evidence {
        var findings: [Finding] = []
        for file in sources.files {
            try sources.interrupt.check()
            let secrets = SecretScanner.secrets(
                in: file.bytes, range: 0..<file.bytes.count, unquotedValues: file.language.isConfiguration)
            for secret in secrets {
                let isMadeUp = secret.rule.id == SecretPattern.assigned.id && file.isTest
                let rule = isMadeUp ? SecretPattern.assignedInTest : secret.rule
                findings.append(file.finding(rule, at: secret.range.lowerBound, limits: sources.limits))
            }
        }
        var evidence = sources.evidence(name)
        evidence.setFindings(findings, limit: sources.limits.findingsPerTool)
        evidence.metrics = [Metric("secrets", "credentials in source", Double(findings.count))]
        evidence.headline =
            findings.isEmpty
            ? "no credentials in \(Grouped.many(sources.files.count, "file"))"
            : "\(Grouped.many(findings.count, "credential")) in source"
        return evidence
    }
}
