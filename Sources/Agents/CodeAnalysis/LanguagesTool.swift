/// Languages and size: files and lines of code, comment and blank, by language.
struct LanguagesTool: SourceTool {
    let name: ToolName = "languages"
    let summary = "Counts files and lines of code, comment and blank by language."

    func examine(_ sources: Sources) throws(AgentError) -> Evidence {
        var files: [Language: Int] = [:]
        var lines: [Language: LineCount] = [:]
        for file in sources.files {
            files[file.language, default: 0] += 1
            lines[file.language, default: LineCount()] += file.lines
        }
        try sources.interrupt.check()
        var total = LineCount()
        for (language, count) in lines where language.isProgramming { total += count }
        let ordered = lines.sorted { left, right in
            if left.key.isProgramming != right.key.isProgramming { return left.key.isProgramming }
            if left.value.code != right.value.code { return left.value.code > right.value.code }
            return left.key.rawValue < right.key.rawValue
        }

        var evidence = sources.evidence(name)
        evidence.notes = sources.tree.skipped.notes
        evidence.metrics = [
            Metric("files", "files", Double(sources.files.count)),
            Metric("code_lines", "lines of code", Double(total.code), unit: .lines),
            Metric("comment_lines", "lines of comment", Double(total.comment), unit: .lines),
            Metric("blank_lines", "blank lines", Double(total.blank), unit: .lines),
        ]
        let rows = ordered.map { language, count -> [String] in
            let share = total.code > 0 ? 100 * Double(count.code) / Double(total.code) : 0
            return [
                language.rawValue, Grouped.count(files[language] ?? 0), Grouped.count(count.code),
                Grouped.count(count.comment), Grouped.count(count.blank),
                language.isProgramming ? "\(Grouped.tenths(share)) %" : "–",
            ]
        }
        evidence.tables = [
            EvidenceTable(
                title: "Languages",
                columns: [
                    .init("Language"), .init("Files", isNumber: true), .init("Code", isNumber: true),
                    .init("Comment", isNumber: true), .init("Blank", isNumber: true), .init("Share", isNumber: true),
                ], rows: rows, limit: sources.limits.tableRows)
        ]
        evidence.headline = headline(files: sources.files.count, total: total, largest: ordered.first)
        return evidence
    }

    private func headline(files: Int, total: LineCount, largest: (key: Language, value: LineCount)?) -> String {
        let size = "\(Grouped.many(files, "file")) with \(Grouped.many(total.code, "line")) of code"
        guard let largest, largest.key.isProgramming, total.code > 0 else { return size }
        let share = Int(100 * Double(largest.value.code) / Double(total.code))
        return share == 100 ? "\(size), all \(largest.key.rawValue)" : "\(size), \(share) % \(largest.key.rawValue)"
    }
}
