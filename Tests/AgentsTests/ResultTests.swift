import Testing

@testable import Agents

@Suite("Results")
struct ResultTests {
    private func finding(_ number: Int, _ severity: Severity = .low, evidence: String = "x = 1") -> Finding {
        Finding(
            id: "rule-\(number)", rule: "rule", severity: severity, certainty: .measured, title: "title \(number)",
            description: "description", location: Location(path: "a/b.swift", line: number), evidence: evidence,
            remediation: "do", cwe: "CWE-1")
    }

    private func result(_ findings: [Finding], output: String = "report") -> AgentResult {
        AgentResult(
            success: true, output: output, summary: "summary", findings: findings, omittedFindings: 0,
            findingCounts: [.low: findings.count], recommendations: ["a"], qualityScore: 0.5, confidence: 0.25,
            durationSeconds: 1.5, provider: "builtin", model: "synthesiser", tokens: TokenCount(input: 1, output: 2),
            costMicroUSD: 1_234_567, tools: [ToolRun(name: "t", ok: true, durationSeconds: 0.5)],
            attempts: [ProviderAttempt(provider: "p", outcome: "timeout", elapsedMilliseconds: 20, error: "e")],
            safety: SafetyReport(flags: ["f"]))
    }

    @Test("the JSON form has the contract's names and is read back equal")
    func json() throws {
        let original = result([finding(1)])
        let bytes = try AgentJSON.encode(original)
        #expect(try AgentJSON.decode(AgentResult.self, from: bytes) == original)
        let json = try AgentJSON.decode(JSONValue.self, from: bytes)
        for name in AgentResult.schema["required"]?.arrayValue?.compactMap(\.stringValue) ?? [] {
            #expect(json[name] != nil, "\(name)")
        }
        #expect(json["cost_usd"] == 1.234567)
        #expect(json["tools"]?.arrayValue?.first?["duration_seconds"] == 0.5)
        #expect(json["attempts"]?.arrayValue?.first?["elapsed_ms"] == 20)
        #expect(json["findings"]?.arrayValue?.first?["location"]?["line"] == 1)
        #expect(json["finding_counts"]?["low"] == 1)
    }

    @Test(
        "whatever the findings, the encoded result keeps to its bytes, and the worst are kept",
        arguments: [
            0, 1, 50, 200, 1_000, 5_000,
        ])
    func budget(count: Int) throws {
        let limits = Limits()
        let findings = Finding.ranked((0..<count).map { finding($0, $0 % 10 == 0 ? .critical : .low) })
        let fitted = result(findings).fitted(to: limits)
        #expect(try AgentJSON.encode(fitted).count <= limits.resultBytes)
        #expect(fitted.findings.count + fitted.omittedFindings == count)
        #expect(fitted.findings == Array(findings.prefix(fitted.findings.count)))
        if count <= 50 { #expect(fitted.omittedFindings == 0) }
        // No room is wasted: one more finding would not have fitted.
        if fitted.omittedFindings > 0 {
            var fuller = fitted
            fuller.findings.append(findings[fitted.findings.count])
            #expect(try AgentJSON.encode(fuller).count > limits.resultBytes - 32)
        }
    }

    @Test("texts that grow when encoded are cut until the result fits")
    func escapedText() throws {
        var limits = Limits()
        limits.resultBytes = 20_000
        let fitted = result([finding(1, .critical)], output: String(repeating: "\u{1}\n", count: 50_000)).fitted(
            to: limits)
        #expect(try AgentJSON.encode(fitted).count <= limits.resultBytes)
    }

    @Test("a text is cut between characters and marked")
    func cut() {
        #expect("héllo".cut(toBytes: 6) == "héllo")
        #expect("héllo wörld".cut(toBytes: 5) == "h…")
        #expect("abc".cut(toBytes: 2) == "")
        #expect("one\ntwo\nthree".cut(toBytes: 12, atLine: true).isEmpty)
        #expect(
            "one\ntwo\n\(String(repeating: "x", count: 50))".cut(toBytes: 40, atLine: true) == "one\ntwo\n\n… (cut)\n")
        for limit in 0..<40 { #expect("ééééééééééééééééééé\n".cut(toBytes: limit).utf8.count <= limit) }
    }

    @Test("the run's limit on findings of a tool counts the rest by severity")
    func perTool() async throws {
        let folder = try TemporaryFolder()
        try folder.write("a.py", String(repeating: "eval(x)\n", count: 30) + String(repeating: "# TODO\n", count: 10))
        var limits = Limits()
        limits.findingsPerTool = 20
        let evidence = try await run(DangerousCallsTool(), in: folder, limits: limits)
        #expect(evidence.findings.count == 20 && evidence.omitted == [.high: 10])
        let result = try await Agent(.codeAnalysis()).run(
            AgentInput(target: "."),
            in: AgentContext(workspace: Workspace(roots: [folder.path]), threads: testThreads, limits: limits))
        #expect(result.omittedFindings == 10)
        #expect(result.findingCounts[.high] == 30 && result.findingCounts[.info] == 10)
    }
}

@Suite("Safe Markdown")
struct SafeMarkdownTests {
    @Test(
        "text from outside cannot become markup",
        arguments: [
            ("<img src=x onerror=y>", "&lt;img src=x onerror=y&gt;"), ("a|b", "a\\|b"),
            ("[x](http://e)", "\\[x\\](http://e)"),
            ("a\nb", "a b"), ("`x`", "\\`x\\`"), ("snake_case", "snake_case"), ("a\u{202E}b\u{0}", "ab"),
        ])
    func text(input: String, expected: String) { #expect(SafeMarkdown.text(input) == expected) }

    @Test(
        "code stays code, whatever marks it contains",
        arguments: [
            ("let x = 1", "`let x = 1`"), ("a `b` c", "``a `b` c``"), ("`", "`` ` ``"), ("", "``` ```"),
        ])
    func code(input: String, expected: String) { #expect(SafeMarkdown.code(input) == expected) }

    @Test(
        "a model's Markdown keeps its words and loses what a viewer would run or fetch",
        arguments: [
            ("![x](http://e/?q=1)", "!\\[x](http://e/?q=1)"), ("<script>a</script>", "&lt;script>a&lt;/script>"),
            ("[x](JavaScript:alert(1))", "[x](removed:alert(1))"), ("`<b>` and <b>", "`<b>` and &lt;b>"),
            ("```\n<b>![x]\n```\n<b>", "```\n<b>![x]\n```\n&lt;b>"),
            ("**bold** [ok](https://e)", "**bold** [ok](https://e)"),
            ("`open <b>", "`open &lt;b>"),
        ])
    func sanitised(input: String, expected: String) { #expect(SafeMarkdown.sanitised(input) == expected) }
}
