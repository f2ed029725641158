/// Notes that programmers leave for later: the words of `MarkersTool.marks` in comments, with what is said behind them.
struct MarkersTool: SourceTool {
    let name: ToolName = "markers"
    let summary = "Lists the notes for later that stand in comments."

    /// In the order in which they are looked for at one place.
    static let marks: [(word: String, severity: Severity)] = [
        ("TODO", .info), ("FIXME", .low), ("HACK", .low), ("XXX", .info), ("BUG", .low),
    ]

    func examine(_ sources: Sources) throws(AgentError) -> Evidence {
        var findings: [Finding] = []
        var counts: [String: Int] = [:]
        for file in sources.files {
            try sources.interrupt.check()
            for token in file.tokens where token.kind == .comment {
                for (offset, mark) in Self.marks(in: file.bytes, range: token.start..<token.end) {
                    counts[mark.word, default: 0] += 1
                    let rule = Rule(
                        id: "marker.\(mark.word.lowercased())", severity: mark.severity, certainty: .measured,
                        title: "\(mark.word) in a comment", description: "Something was left for later.",
                        remediation: "Do it, or move it to where work is planned.", cwe: "CWE-546")
                    findings.append(file.finding(rule, at: offset, limits: sources.limits))
                }
            }
        }
        var evidence = sources.evidence(name)
        evidence.setFindings(findings, limit: sources.limits.findingsPerTool)
        evidence.metrics = Self.marks.map {
            Metric("\($0.word.lowercased())_comments", "\($0.word) comments", Double(counts[$0.word] ?? 0))
        }
        let parts = Self.marks.compactMap { mark in counts[mark.word].map { "\(Grouped.count($0)) \(mark.word)" } }
        evidence.headline =
            parts.isEmpty ? "no notes left for later" : "notes left for later: \(parts.joined(separator: ", "))"
        return evidence
    }

    /// Each mark that stands alone as a word in capitals, once per line.
    private static func marks(in bytes: [UInt8], range: Range<Int>) -> [(Int, (word: String, severity: Severity))] {
        var found: [(Int, (word: String, severity: Severity))] = []
        var position = range.lowerBound
        while position < range.upperBound {
            guard bytes[position] &- 65 < 26, position == 0 || !Ascii.isName(bytes[position - 1]) else {
                position += 1
                continue
            }
            let mark = marks.first { mark in
                let end = position + mark.word.utf8.count
                return end <= range.upperBound && bytes[position..<end].elementsEqual(mark.word.utf8)
                    && (end == bytes.count || !Ascii.isName(bytes[end]))
            }
            if let mark {
                found.append((position, mark))
                while position < range.upperBound, bytes[position] != Ascii.newline { position += 1 }
            } else {
                position += 1
            }
        }
        return found
    }
}
