/// The Markdown report of the synthesiser.
///
/// Everything that was read from sources passes through `SafeMarkdown`, so that a file name or a line of code can
/// neither break the page nor make a viewer fetch something.
struct Report {
    var subject: Subject
    var evidence: [Evidence]
    var findings: [Finding]
    var counts: [Severity: Int]
    var recommendations: [String]
    var runs: [ToolRun]

    /// Findings that the report shows in full.
    private static let shownFindings = 15
    private static let shownOfOneRule = 5
    /// Rows of a table in the report.
    private static let shownRows = 15

    var markdown: String {
        var parts = ["# \(subject.agent) of \(subject.thing)", "**\(Tally.words(counts).capitalisedFirst).**"]
        parts += [glance, findingsPart, recommendationsPart]
        parts += evidence.flatMap(\.tables).map(table)
        parts += [notesPart, origin]
        return parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    }

    private var glance: String {
        let lines = evidence.filter { !$0.headline.isEmpty }.map {
            "- **\(SafeMarkdown.text($0.tool.rawValue.replacing("_", with: " ").capitalisedFirst))**: "
                + SafeMarkdown.text($0.headline)
        }
        return lines.isEmpty ? "" : "## At a glance\n\n" + lines.joined(separator: "\n")
    }

    private var findingsPart: String {
        let worth = findings.filter { $0.severity < .info }
        guard !worth.isEmpty else { return "" }
        let total = counts.reduce(0) { $0 + ($1.key < .info ? $1.value : 0) }
        let shown = Self.selection(of: worth)
        var explained: Set<String> = []
        let lines = shown.enumerated().map { number, finding -> String in
            let weakness = finding.cwe.map { " (\($0))" } ?? ""
            let place = SafeMarkdown.code("\(finding.location.path):\(finding.location.line)")
            let doubt = finding.certainty == .possible ? " · perhaps" : ""
            let title = "**\(finding.severity.rawValue)**\(doubt) · \(SafeMarkdown.text(finding.title))\(weakness)"
            var lines = ["\(number + 1). \(title) — \(place)", SafeMarkdown.code(finding.evidence)]
            // Once is enough for what a rule says each time.
            if explained.insert(finding.description).inserted { lines.append(SafeMarkdown.text(finding.description)) }
            return lines.joined(separator: "\\\n   ")
        }
        let more = total - shown.count
        let rest = more > 0 ? "\n\nand \(Grouped.count(more)) more." : ""
        return "## Findings\n\n" + lines.joined(separator: "\n") + rest
    }

    /// The worst, but few of each rule, so that the most frequent does not hide the others.
    private static func selection(of findings: [Finding]) -> [Finding] {
        var taken: [String: Int] = [:]
        var selected: [Finding] = []
        for finding in findings where selected.count < shownFindings {
            taken[finding.rule, default: 0] += 1
            if taken[finding.rule, default: 0] <= shownOfOneRule { selected.append(finding) }
        }
        return selected
    }

    private var recommendationsPart: String {
        guard !recommendations.isEmpty else { return "" }
        let lines = recommendations.enumerated().map { "\($0 + 1). \(SafeMarkdown.text($1))" }
        return "## Recommendations\n\n" + lines.joined(separator: "\n")
    }

    private func table(_ table: EvidenceTable) -> String {
        let header = "| " + table.columns.map { SafeMarkdown.text($0.name) }.joined(separator: " | ") + " |"
        let rule = "|" + table.columns.map { $0.isNumber ? "---:" : "---" }.joined(separator: "|") + "|"
        let rows = table.rows.prefix(Self.shownRows).map { row in
            "| " + row.map { SafeMarkdown.text($0) }.joined(separator: " | ") + " |"
        }
        let more = table.rows.count + table.omittedRows - rows.count
        let rest = more > 0 ? "\n\nand \(Grouped.count(more)) more." : ""
        return "## \(SafeMarkdown.text(table.title))\n\n" + ([header, rule] + rows).joined(separator: "\n") + rest
    }

    private var notesPart: String {
        var lines = evidence.flatMap(\.notes)
        lines += runs.filter { !$0.ok }.map { "The tool \($0.name) failed: \($0.error ?? "no reason given")" }
        guard !lines.isEmpty else { return "" }
        return "## What was not looked at\n\n" + lines.map { "- \(SafeMarkdown.text($0))" }.joined(separator: "\n")
    }

    private var origin: String {
        let count = Grouped.many(runs.count { $0.ok }, "tool")
        return "_Composed from the evidence of \(count) by the built-in synthesiser, without a model._"
    }
}

extension String {
    /// With its first letter in capitals.
    var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}
