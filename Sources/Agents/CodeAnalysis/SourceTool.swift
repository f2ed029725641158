/// A tool over source files: reads them once per run, then examines them on a tool thread.
protocol SourceTool: Tool {
    var name: ToolName { get }
    var summary: String { get }

    /// Blocks; asks `interrupt` between files.
    func examine(_ sources: Sources) throws(AgentError) -> Evidence
}

/// What a `SourceTool` works on.
struct Sources {
    let tree: SourceTree
    let arguments: JSONValue
    let limits: Limits
    let interrupt: Interrupt

    var files: [SourceFile] { tree.files }

    /// Evidence about all these files, still without findings.
    func evidence(_ tool: ToolName) -> Evidence {
        Evidence(tool: tool, headline: "", coverage: tree.coverage)
    }
}

extension SourceTool {
    var inputSchema: JSONValue {
        [
            "type": "object",
            "properties": [
                "target": ["type": "string", "description": "a path in the workspace; '.' is its first root"],
                "code": ["type": "string", "description": "source text, instead of a target"],
                "language": ["type": "string", "description": "of the code"],
                "filename": ["type": "string", "description": "of the code"],
            ],
            "oneOf": [["required": ["target"]], ["required": ["code"]]],
        ]
    }

    func run(_ arguments: JSONValue, in context: ToolContext) async throws -> Evidence {
        let limits = context.limits
        return try await context.examine(arguments) { tree, interrupt throws(AgentError) in
            try examine(Sources(tree: tree, arguments: arguments, limits: limits, interrupt: interrupt))
        }
    }
}

/// What a rule says about every finding it makes.
struct Rule: Sendable {
    var id: String
    var severity: Severity
    var certainty: Certainty
    var title: String
    var description: String
    var remediation: String
    var cwe: String?
}

extension SourceFile {
    /// A finding of `rule` at a byte of this file, with the line it was read from.
    func finding(_ rule: Rule, at offset: Int, limits: Limits) -> Finding {
        Finding(
            id: "", rule: rule.id, severity: rule.severity, certainty: rule.certainty, title: rule.title,
            description: rule.description, location: Location(path: path, line: line(at: offset)),
            evidence: evidence(at: offset, limit: limits.evidenceTextBytes), remediation: rule.remediation,
            cwe: rule.cwe)
    }

    /// True for a file that tests something: by the folders and the name that its language's people use.
    var isTest: Bool {
        let parts = path.lowercased().split(separator: "/")
        let folders: Set<Substring> = [
            "test", "tests", "spec", "specs", "__tests__", "testdata", "fixtures", "examples",
        ]
        if parts.dropLast().contains(where: folders.contains) { return true }
        guard let name = parts.last else { return false }
        return name.hasPrefix("test_") || name.contains("_test.") || name.contains(".test.") || name.contains(".spec.")
    }
}
