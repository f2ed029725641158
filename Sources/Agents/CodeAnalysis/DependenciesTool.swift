/// What a project says it needs, from its manifests, and whether its versions are fixed.
struct DependenciesTool: SourceTool {
    let name: ToolName = "dependencies"
    let summary = "Lists the packages that manifests name, with versions, and flags those left open."

    private static let open = Rule(
        id: "dependency.unpinned", severity: .medium, certainty: .measured, title: "Version left open",
        description: "The next build may take a version that nobody here has seen.",
        remediation: "Give dependencies a version or a range with an upper end, and keep a lock file.",
        cwe: "CWE-1357")
    private static let plain = Rule(
        id: "dependency.plain-transport", severity: .high, certainty: .measured, title: "Fetched without encryption",
        description: "Anyone on the way can put other code in its place.",
        remediation: "Fetch dependencies over https or ssh.", cwe: "CWE-494")

    func examine(_ sources: Sources) throws(AgentError) -> Evidence {
        var findings: [Finding] = []
        var rows: [[String]] = []
        var manifests = 0
        for file in sources.files {
            try sources.interrupt.check()
            let dependencies = Manifest.dependencies(in: file)
            manifests += dependencies.isEmpty ? 0 : 1
            for dependency in dependencies {
                let requirement = SecretScanner.masked(dependency.requirement)
                rows.append([
                    dependency.name, requirement.isEmpty ? "–" : requirement, dependency.ecosystem.rawValue, file.path,
                ])
                for rule in rules(for: dependency) {
                    let line = Int(file.lineStarts[dependency.line - 1])
                    var finding = file.finding(rule, at: line, limits: sources.limits)
                    finding.title = "\(dependency.name): \(rule.title.lowercased())"
                    findings.append(finding)
                }
            }
        }
        var evidence = sources.evidence(name)
        evidence.setFindings(findings, limit: sources.limits.findingsPerTool)
        evidence.metrics = [
            Metric("dependencies", "dependencies", Double(rows.count)),
            Metric("manifests", "manifests", Double(manifests)),
        ]
        evidence.headline =
            rows.isEmpty
            ? "no dependency in a manifest that is known here"
            : "\(Grouped.many(rows.count, "dependency", "dependencies")) in "
                + "\(Grouped.many(manifests, "manifest"))"
        if !rows.isEmpty {
            evidence.tables = [
                EvidenceTable(
                    title: "Dependencies",
                    columns: [.init("Name"), .init("Version"), .init("Kind"), .init("Manifest")], rows: rows,
                    limit: sources.limits.tableRows)
            ]
        }
        return evidence
    }

    private func rules(for dependency: Dependency) -> [Rule] {
        var rules: [Rule] = []
        switch dependency.pin {
        case .exact, .range: break
        case .none: rules.append(Self.open)
        }
        if dependency.isFetchedInPlain { rules.append(Self.plain) }
        return rules
    }
}
