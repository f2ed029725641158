import Glibc
import Synchronization
import Testing

@testable import Agents

@Suite("Agent")
struct AgentTests {
    let agent = Agent(.codeAnalysis())

    private func context(
        _ folder: TemporaryFolder, reasoner: (any Reasoner)? = nil, limits: Limits = Limits(),
        deadline: ContinuousClock.Instant? = nil, progress: @escaping @Sendable (AgentProgress) -> Void = { _ in }
    ) throws -> AgentContext {
        AgentContext(
            workspace: try Workspace(roots: [folder.path]), threads: testThreads, reasoner: reasoner, limits: limits,
            deadline: deadline, progress: progress)
    }

    /// A project with one fault of each kind.
    private func faulty() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let branches = (0..<20).map { "    if x == \($0): y()\n" }.joined()
        try folder.write("app/main.py", "import os\n\ndef tangled(x):\n\(branches)\n# FIXME later\nos.system(x)\n")
        try folder.write("app/config.py", "aws = 'AKIA" + "Q3EGRZ7WPN5KTVB2'\n")
        try folder.write("requirements.txt", "requests\n")
        try folder.write("README.md", "# App\n")
        return folder
    }

    @Test("a folder with planted faults gives all of them, nothing else, and a report")
    func endToEnd() async throws {
        let folder = try faulty()
        let steps = Mutex<[AgentProgress]>([])
        let result = try await agent.run(
            AgentInput(target: "."), in: context(folder) { progress in steps.withLock { $0.append(progress) } })
        #expect(
            Set(result.findings.map(Planted.init)) == [
                Planted("secret.aws-access-key", "app/config.py", 1),
                Planted("dangerous.python.os-system", "app/main.py", 26),
                Planted("dependency.unpinned", "requirements.txt", 1),
                Planted("function.complex", "app/main.py", 3), Planted("marker.fixme", "app/main.py", 25),
            ])
        #expect(result.findings.map(\.severity) == result.findings.map(\.severity).sorted())
        #expect(result.success && result.provider == "builtin" && result.attempts.isEmpty)
        #expect(result.tools.map(\.name.rawValue).count == 8 && result.tools.allSatisfy(\.ok))
        #expect(result.findingCounts == [.critical: 1, .high: 1, .medium: 1, .low: 2, .info: 0])
        #expect(result.summary.contains("1 critical, 1 high, 1 medium and 2 lesser findings"))
        #expect(result.summary.contains("app/config.py:1"))
        #expect(result.recommendations.first?.hasPrefix("Revoke the credential") == true)
        for text in [
            "# Code analysis", "## At a glance", "app/main.py:26", "CWE-78", "| Python |", "## Recommendations",
        ] {
            #expect(result.output.contains(text), "\(text)")
        }
        #expect(!result.output.contains("Q3EGRZ7WPN5KTVB2"))

        let all = steps.withLock { $0 }
        #expect(all.map(\.percent) == all.map(\.percent).sorted())
        #expect(all.first == AgentProgress(percent: 0, step: "languages"))
        #expect(all.last == AgentProgress(percent: 100, step: "done"))
    }

    @Test("a clean project has no findings and says so")
    func clean() async throws {
        let folder = try TemporaryFolder()
        try folder.write("Package.swift", "import PackageDescription\nlet package = Package(name: \"x\")\n")
        try folder.write("Sources/x/x.swift", "/// Adds.\nfunc add(_ a: Int, _ b: Int) -> Int { a + b }\n")
        try folder.write("web/app.js", "export const double = (x) => { return 2 * x; };\n")
        let result = try await agent.run(AgentInput(target: "."), in: context(folder))
        #expect(result.findings.map(\.title) == [])
        #expect(result.summary.hasSuffix("no findings."))
        #expect(result.recommendations.isEmpty && result.success)
    }

    @Test("the report shows few findings of one rule, and explains each rule once")
    func varied() async throws {
        let folder = try TemporaryFolder()
        try folder.write("a.py", (0..<40).map { "eval(x\($0))\n" }.joined() + "hashlib.md5(x)\n")
        let result = try await agent.run(AgentInput(target: "."), in: context(folder))
        #expect(result.output.split(separator: "**high**").count - 1 == 5)
        #expect(result.output.contains("hashlib.md5(x)") && result.output.contains("and 35 more."))
        #expect(result.output.split(separator: "Whoever has a part in the text can run code.").count == 2)
    }

    @Test("equal input gives equal bytes, times aside")
    func deterministic() async throws {
        let folder = try faulty()
        var results: [[UInt8]] = []
        for _ in 0..<2 {
            var result = try await agent.run(AgentInput(target: "."), in: context(folder))
            result.durationSeconds = 0
            for index in result.tools.indices { result.tools[index].durationSeconds = 0 }
            results.append(try AgentJSON.encode(result))
        }
        #expect(results[0] == results[1])
    }

    @Test("code that comes with the task is examined like a file")
    func inMemory() async throws {
        let folder = try TemporaryFolder()
        let code = "import pickle\n\ndef f(x):\n    return pickle.loads(x)\n"
        let named = try await agent.run(
            AgentInput(parameters: ["code": .string(code), "filename": "lib/load.py"]), in: context(folder))
        #expect(named.findings.map(Planted.init) == [Planted("dangerous.python.pickle", "lib/load.py", 4)])
        let told = try await agent.run(
            AgentInput(parameters: ["code": .string(code), "language": "Python"]), in: context(folder))
        #expect(told.findings.map(Planted.init) == [Planted("dangerous.python.pickle", "code.py", 4)])
        let guessed = try await agent.run(AgentInput(parameters: ["code": .string(code)]), in: context(folder))
        #expect(guessed.findings.map(\.rule) == ["dangerous.python.pickle"])
    }

    @Test("where there is nothing to examine the result is no success and says why")
    func nothing() async throws {
        let folder = try TemporaryFolder()
        try folder.write("a.bin", bytes: [0, 1, 2])
        let result = try await agent.run(AgentInput(target: "."), in: context(folder))
        #expect(!result.success && result.qualityScore == 0)
        #expect(result.summary.hasPrefix("Nothing could be examined in `.`."))
    }

    @Test(
        "bad input is refused before any work, each field named",
        arguments: [
            (AgentInput(), ["target", "parameters.code"]),
            (AgentInput(target: "..", parameters: [:]), ["target"]),
            (AgentInput(target: "nothing", parameters: [:]), ["target"]),
            (AgentInput(target: ".", parameters: ["code": "x"]), ["target"]),
            (AgentInput(parameters: ["code": 1]), ["parameters.code"]),
            (AgentInput(parameters: ["code": .string(String(repeating: "x", count: 65_537))]), ["parameters.code"]),
            (AgentInput(target: ".", parameters: ["a": 1, "b": 2]), ["parameters.a", "parameters.b"]),
            (AgentInput(parameters: ["code": "x", "language": "klingon"]), ["parameters.language"]),
            (AgentInput(target: ".", parameters: ["max_complexity": 0]), ["parameters.max_complexity"]),
            (AgentInput(target: ".", parameters: ["max_complexity": "9"]), ["parameters.max_complexity"]),
            (AgentInput(target: String(repeating: "x", count: 5_000)), ["target"]),
        ])
    func validation(input: AgentInput, fields: [String]) async throws {
        let folder = try TemporaryFolder()
        let workspace = try Workspace(roots: [folder.path])
        #expect(agent.declaration.validate(input, in: workspace).map(\.field) == fields)
        await #expect {
            try await agent.run(input, in: context(folder))
        } throws: {
            if case .invalidInput(let errors) = $0 as? AgentError { errors.map(\.field) == fields } else { false }
        }
    }

    @Test("input at its limits is taken")
    func validationAtLimits() throws {
        let folder = try TemporaryFolder()
        let workspace = try Workspace(roots: [folder.path])
        let input = AgentInput(parameters: [
            "code": .string(String(repeating: "x", count: 65_536)), "language": "SWIFT", "max_complexity": 1_000,
            "max_function_lines": 1,
        ])
        #expect(agent.declaration.validate(input, in: workspace) == [])
    }

    @Test("cancelling and deadlines end a run with their own errors")
    func interrupted() async throws {
        let folder = try faulty()
        await #expect(throws: AgentError.deadlineExceeded) {
            try await agent.run(AgentInput(target: "."), in: context(folder, deadline: ContinuousClock.now))
        }
        // Cancelled from inside, at the third tool, so that some of the work is done.
        let running = Mutex<Task<AgentResult, any Error>?>(nil)
        let cancelling = try context(folder) { progress in
            if progress.step == "duplication" { running.withLock { $0?.cancel() } }
        }
        let gate = AsyncStream<Void>.makeStream()
        let task = Task<AgentResult, any Error> {
            for await _ in gate.stream { break }
            return try await agent.run(AgentInput(target: "."), in: cancelling)
        }
        running.withLock { $0 = task }
        gate.continuation.yield()
        await #expect(throws: AgentError.cancelled) { try await task.value }
    }

    @Test("a tool that fails costs quality and is named, the others go on")
    func failingTool() async throws {
        struct Failing: Tool {
            let name: ToolName = "failing"
            let summary = "Fails."
            let inputSchema: JSONValue = [:]
            func run(_ arguments: JSONValue, in context: ToolContext) async throws -> Evidence {
                throw TestFailure("out of luck")
            }
        }
        let folder = try faulty()
        var declaration = AgentDeclaration.codeAnalysis()
        let whole = try await Agent(declaration).run(AgentInput(target: "."), in: context(folder))
        declaration.tools.append(Failing())
        let result = try await Agent(declaration).run(AgentInput(target: "."), in: context(folder))
        #expect(result.tools.last?.ok == false && result.tools.last?.error == "out of luck")
        #expect(result.success && result.qualityScore < whole.qualityScore)
        #expect(result.output.contains("The tool failing failed: out of luck"))
        declaration.tools = [Failing()]
        let hopeless = try await Agent(declaration).run(AgentInput(target: "."), in: context(folder))
        #expect(!hopeless.success)
    }

    @Test("the project's own sources are examined end to end")
    func ownSources() async throws {
        // The sources may be reached through links; the workspace knows real paths only.
        let real = try #require(realpath(#filePath, nil))
        defer { free(real) }
        let root = String(cString: real).split(separator: "/").dropLast(3).joined(separator: "/")
        let workspace = try Workspace(roots: ["/\(root)"])
        let result = try await agent.run(
            AgentInput(target: "Sources"), in: AgentContext(workspace: workspace, threads: testThreads))
        #expect(result.success && result.tools.allSatisfy(\.ok))
        #expect(result.summary.contains("Swift"))
        #expect(!result.findings.contains { $0.rule.hasPrefix("secret.") })
        #expect(try AgentJSON.encode(result).count <= Limits().resultBytes)
    }
}

@Suite("Catalog")
struct CatalogTests {
    @Test("task types lead to agents, unknown ones to none")
    func routes() {
        let catalog = AgentCatalog.builtIn()
        #expect(catalog.agents(for: "code_analysis") == ["code_analysis"])
        #expect(catalog.agents(for: "code_review") == ["code_analysis"])
        #expect(catalog.agents(for: "osint_investigation") == [])
        #expect(catalog.taskTypes == ["code_analysis", "code_review"])
        #expect(catalog.agent("code_analysis")?.name == "Code analysis")
        #expect(catalog.agent("nobody") == nil)
    }

    @Test("tools of one agent have different names and a schema")
    func tools() {
        for declaration in AgentCatalog.builtIn().declarations {
            #expect(Set(declaration.tools.map(\.name)).count == declaration.tools.count)
            for tool in declaration.tools { #expect(tool.inputSchema["type"] == "object") }
        }
    }
}
