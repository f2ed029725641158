/// Functions with their length and cyclomatic complexity; the long and the tangled ones are findings.
struct FunctionsTool: SourceTool {
    let name: ToolName = "functions"
    let summary = "Measures the length and cyclomatic complexity of functions."

    private struct Measured {
        var file: SourceFile
        var metrics: FunctionMetrics
    }

    func examine(_ sources: Sources) throws(AgentError) -> Evidence {
        let limits = sources.limits
        let complexityLimit =
            sources.arguments["max_complexity"]?.integerValue.map(Int.init) ?? limits.functionComplexity
        let lineLimit = sources.arguments["max_function_lines"]?.integerValue.map(Int.init) ?? limits.functionLines
        var all: [Measured] = []
        var examined = 0
        var notes: [String] = []
        var unmeasured: Set<Language> = []
        for file in sources.files where file.language.isProgramming {
            try sources.interrupt.check()
            guard FunctionFinder.covers(file.language) else {
                unmeasured.insert(file.language)
                continue
            }
            examined += file.bytes.count
            guard !file.isGenerated else { continue }
            all += FunctionFinder.functions(in: file).map { Measured(file: file, metrics: $0) }
        }
        if !unmeasured.isEmpty {
            let names = unmeasured.map(\.rawValue).sorted().joined(separator: ", ")
            notes.append("Functions are not measured in \(names).")
        }

        let found = all.flatMap {
            findings(for: $0, complexityLimit: max(1, complexityLimit), lineLimit: max(1, lineLimit), limits: limits)
        }
        let seen = sources.files.reduce(0) { $0 + ($1.language.isProgramming ? $1.bytes.count : 0) }
        var evidence = Evidence(tool: name, headline: "", coverage: Coverage(examined: examined, seen: seen))
        evidence.notes = notes
        evidence.setFindings(found, limit: limits.findingsPerTool)
        describe(all, in: &evidence)
        return evidence
    }

    private func findings(
        for measured: Measured, complexityLimit: Int, lineLimit: Int, limits: Limits
    ) -> [Finding] {
        let metrics = measured.metrics
        let offset = Int(measured.file.lineStarts[metrics.firstLine - 1])
        var findings: [Finding] = []
        if metrics.complexity > complexityLimit {
            let rule = Rule(
                id: "function.complex", severity: metrics.complexity > 2 * complexityLimit ? .medium : .low,
                certainty: .measured, title: "\(metrics.name) has a complexity of \(metrics.complexity)",
                description: "Cyclomatic complexity is one and one more for each decision; \(complexityLimit) is the "
                    + "limit. So many paths are hard to test and to follow.",
                remediation: "Split functions by decision: early returns, a table, or a function for each branch.",
                cwe: "CWE-1121")
            findings.append(measured.file.finding(rule, at: offset, limits: limits))
        }
        if metrics.lines > lineLimit {
            let rule = Rule(
                id: "function.long", severity: metrics.lines > 2 * lineLimit ? .medium : .low, certainty: .measured,
                title: "\(metrics.name) is \(Grouped.count(metrics.lines)) lines long",
                description: "From line \(metrics.firstLine) to \(metrics.lastLine); \(lineLimit) lines is the limit.",
                remediation: "Split long functions into named steps.", cwe: "CWE-1080")
            findings.append(measured.file.finding(rule, at: offset, limits: limits))
        }
        return findings
    }

    private func describe(_ all: [Measured], in evidence: inout Evidence) {
        guard !all.isEmpty else {
            evidence.headline = evidence.coverage.examined > 0 ? "no functions" : ""
            return
        }
        let complexities = all.map(\.metrics.complexity)
        let mean = Double(complexities.reduce(0, +)) / Double(all.count)
        let meanLines = Double(all.reduce(0) { $0 + $1.metrics.lines }) / Double(all.count)
        let worst = all.sorted {
            ($1.metrics.complexity, $1.metrics.lines, $0.file.path, $0.metrics.firstLine)
                < ($0.metrics.complexity, $0.metrics.lines, $1.file.path, $1.metrics.firstLine)
        }
        evidence.metrics = [
            Metric("functions", "functions", Double(all.count)),
            Metric("mean_complexity", "mean complexity", (mean * 100).rounded() / 100),
            Metric("max_complexity", "highest complexity", Double(complexities.max() ?? 0)),
            Metric("mean_function_lines", "mean lines of a function", (meanLines * 10).rounded() / 10, unit: .lines),
        ]
        evidence.headline =
            "\(Grouped.many(all.count, "function")), mean complexity \(Grouped.tenths(mean)), "
            + "highest \(complexities.max() ?? 0)"
        evidence.tables = [
            EvidenceTable(
                title: "Most complex functions",
                columns: [
                    .init("Function"), .init("Place"), .init("Lines", isNumber: true),
                    .init("Complexity", isNumber: true),
                ],
                rows: worst.prefix(10).map {
                    [
                        $0.metrics.name, "\($0.file.path):\($0.metrics.firstLine)", Grouped.count($0.metrics.lines),
                        Grouped.count($0.metrics.complexity),
                    ]
                }, limit: 10)
        ]
    }
}
