/// Passages that stand in the source twice.
struct DuplicationTool: SourceTool {
    let name: ToolName = "duplication"
    let summary = "Finds passages of code that stand in several places."

    func examine(_ sources: Sources) throws(AgentError) -> Evidence {
        var streams: [DuplicateFinder.Stream] = []
        for file in sources.files where file.language.isProgramming && !file.isGenerated {
            try sources.interrupt.check()
            streams.append(DuplicateFinder.Stream(file))
        }
        let duplicates = try DuplicateFinder.duplicates(
            in: streams, minimumTokens: sources.limits.duplicateTokens, interrupt: sources.interrupt)

        var doubled: [Int: Set<Int>] = [:]
        let findings = duplicates.map { duplicate -> Finding in
            doubled[duplicate.copy.stream, default: []].formUnion(duplicate.copy.lines)
            let file = streams[duplicate.copy.stream].file
            let original = duplicate.original
            let lines = duplicate.copy.lines.count
            let place = "\(streams[original.stream].file.path):\(original.lines.lowerBound)"
            let rule = Rule(
                id: "duplicate", severity: lines >= 50 && !file.isTest ? .medium : .low, certainty: .measured,
                title: "\(Grouped.many(lines, "line")) repeated from \(place)",
                description: "\(duplicate.tokens) tokens are the same but for literals as from line "
                    + "\(original.lines.lowerBound) to \(original.lines.upperBound) of that file.",
                remediation: "Keep repeated passages once and call them from each place.", cwe: "CWE-1041")
            return file.finding(rule, at: duplicate.copy.offset, limits: sources.limits)
        }
        let codeLines = streams.reduce(0) { $0 + $1.file.lines.code }
        let doubledLines = doubled.values.reduce(0) { $0 + $1.count }
        let share = codeLines > 0 ? min(100, 100 * Double(doubledLines) / Double(codeLines)) : 0

        var evidence = sources.evidence(name)
        evidence.setFindings(findings, limit: sources.limits.findingsPerTool)
        evidence.metrics = [
            Metric("duplicates", "repeated passages", Double(duplicates.count)),
            Metric("duplicated_share", "code that is repeated", (share * 10).rounded() / 10, unit: .percent),
        ]
        evidence.headline =
            duplicates.isEmpty
            ? "no passage of \(sources.limits.duplicateTokens) tokens stands twice"
            : "\(Grouped.tenths(share)) % of the code is repeated, in \(Grouped.many(duplicates.count, "passage"))"
        return evidence
    }
}
