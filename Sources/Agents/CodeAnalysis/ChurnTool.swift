/// Hot-spots: the files that change most often, from the history of the work tree the target lies in.
struct ChurnTool: SourceTool {
    let name: ToolName = "churn"
    let summary = "Reads from the git history which files change most often."

    /// A file is a hot-spot from this many commits and this share of all commits on.
    private static let hotCommits = 10
    private static let hotShare = 0.15

    func examine(_ sources: Sources) throws(AgentError) -> Evidence {
        var evidence = Evidence(tool: name, headline: "", coverage: Coverage(examined: 0, seen: 0))
        guard let path = sources.tree.path else { return evidence }
        guard let top = GitLog.workTree(of: path) else {
            evidence.notes = ["The target lies in no git work tree inside the workspace, so no history was read."]
            return evidence
        }
        guard let program = GitLog.program else {
            evidence.notes = ["git is not installed, so no history was read."]
            return evidence
        }
        let below = path.real == top ? "." : String(path.real.dropFirst(top.count + 1))
        let log = try GitLog.read(
            top: top, path: below, program: program, limits: sources.limits, interrupt: sources.interrupt)
        // Paths of the log are relative to the top; those of a report to the root.
        let topPath = WorkspacePath(root: path.root, real: top, isInFirstRoot: path.isInFirstRoot)
        let byPath = Dictionary(
            log.changes.map { (topPath.shown(below: $0.key), $0.value) }, uniquingKeysWith: { first, _ in first })
        describe(byPath, log, sources, in: &evidence)
        return evidence
    }

    private func describe(
        _ changes: [String: GitLog.Change], _ log: GitLog, _ sources: Sources, in evidence: inout Evidence
    ) {
        // Files that are gone are nobody's hot-spot.
        let present = sources.files.compactMap { file in changes[file.path].map { (file: file, change: $0) } }
        let ordered = present.sorted { left, right in
            if left.change.commits != right.change.commits { return left.change.commits > right.change.commits }
            let sizes = (left.change.added + left.change.deleted, right.change.added + right.change.deleted)
            if sizes.0 != sizes.1 { return sizes.0 > sizes.1 }
            return left.file.path.utf8.lexicographicallyPrecedes(right.file.path.utf8)
        }
        evidence.coverage = Coverage(examined: present.count, seen: present.count)
        evidence.metrics = [Metric("commits", "commits examined", Double(log.commits))]
        if log.isCut { evidence.notes.append("The git history was cut at its size limit; older commits are missing.") }
        guard let most = ordered.first else {
            evidence.headline = "no commit touches these files"
            return
        }
        evidence.headline =
            "\(Grouped.many(log.commits, "commit")) examined; most often changed: \(most.file.path) "
            + "(\(Grouped.many(most.change.commits, "commit")))"
        evidence.tables = [
            EvidenceTable(
                title: "Most often changed files",
                columns: [
                    .init("File"), .init("Commits", isNumber: true), .init("Added", isNumber: true),
                    .init("Deleted", isNumber: true), .init("Last change"),
                ],
                rows: ordered.prefix(10).map {
                    [
                        $0.file.path, Grouped.count($0.change.commits), Grouped.count($0.change.added),
                        Grouped.count($0.change.deleted), Day.text($0.change.newest),
                    ]
                }, limit: 10)
        ]
        let hot = ordered.filter {
            $0.change.commits >= Self.hotCommits
                && Double($0.change.commits) >= Self.hotShare * Double(log.commits) && $0.file.language.isProgramming
        }
        evidence.setFindings(hot.map { finding($0.file, $0.change, of: log.commits) }, limit: 10)
    }

    private func finding(_ file: SourceFile, _ change: GitLog.Change, of commits: Int) -> Finding {
        Finding(
            id: "", rule: "churn.hot-spot", severity: .info, certainty: .measured,
            title: "Changed in \(change.commits) of \(Grouped.many(commits, "commit"))",
            description: "Code that changes this often is where faults arise and where order pays off most.",
            location: Location(path: file.path, line: 1),
            evidence: "git log: +\(Grouped.count(change.added)) -\(Grouped.count(change.deleted)) lines, last on "
                + Day.text(change.newest),
            remediation: "Look at the most often changed files first when you add tests or simplify.", cwe: nil)
    }
}
