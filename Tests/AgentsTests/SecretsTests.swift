import Testing

@testable import Agents

@Suite("Secrets")
struct SecretsTests {
    /// Made at run time, so that no scanner takes this file for a leak. `body` looks random and means nothing.
    private static func body(
        _ count: Int, alphabet: String = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    )
        -> String
    {
        var generator = SeededGenerator(seed: UInt64(count) + 11)
        return String((0..<count).map { _ in alphabet.randomElement(using: &generator) ?? "a" })
    }

    private static let planted: [(line: String, rule: String, hidden: String)] = [
        ("AKIA" + body(16, alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), "aws-access-key", ""),
        ("ghp_" + body(36), "github-token", ""),
        ("xoxb-" + body(30), "slack-token", ""),
        ("AIza" + body(35), "google-api-key", ""),
        ("sk_live_" + body(24), "stripe-key", ""),
        ("glpat-" + body(20), "gitlab-token", ""),
        ("npm_" + body(36), "npm-token", ""),
        ("eyJ" + body(20) + ".eyJ" + body(30) + "." + body(43), "json-web-token", ""),
        ("postgres://admin:" + body(12) + "@db.internal/x", "url-password", ""),
    ].map { line, rule, _ in (line, "secret.\(rule)", String(line.suffix(8))) }

    @Test("each kind is found at its line and masked")
    func kinds() async throws {
        let folder = try TemporaryFolder()
        let text = Self.planted.map { "let value = \"\($0.line)\"\n" }.joined()
        try folder.write("a.swift", text)
        let evidence = try await run(SecretsTool(), in: folder)
        #expect(
            evidence.planted
                == Set(Self.planted.enumerated().map { Planted($1.rule, "a.swift", $0 + 1) }))
        for (index, planted) in Self.planted.enumerated() where planted.rule != "secret.url-password" {
            let finding = evidence.findings.first { $0.location.line == index + 1 }
            #expect(finding?.evidence.contains("characters masked]") == true)
            #expect(finding?.evidence.contains(planted.hidden) == false, "\(planted.rule) shows its secret")
        }
    }

    @Test("a private key is found by its first line")
    func privateKey() async throws {
        let folder = try TemporaryFolder()
        let dashes = String(repeating: "-", count: 5)
        try folder.write("key.pem", "\(dashes)BEGIN RSA PRIVATE" + " KEY\(dashes)\nMIIE\n")
        try folder.write("cert.pem", "\(dashes)BEGIN CERTIFICATE\(dashes)\nMIIE\n")
        try folder.write("public.pem", "\(dashes)BEGIN PUBLIC KEY\(dashes)\nMIIE\n")
        #expect(try await run(SecretsTool(), in: folder).planted == [Planted("secret.private-key", "key.pem", 1)])
        try folder.write("key.pem", "key = \"\(dashes)BEGIN PRIVATE" + " KEY\(dashes)\\nMIIEvQIBADAN\\n\"; x\n")
        #expect(
            try await run(SecretsTool(), in: folder).findings.map(\.evidence) == [
                "key = \"\(dashes)BEGIN PRIVATE" + " KEY\(dashes)[16 characters masked]\"; x"
            ])
    }

    @Test(
        "a random value given to a telling name is found in every way of writing it",
        arguments: [
            ("a.py", "api_key = '%'"), ("a.swift", "let clientSecret: String = \"%\""),
            ("a.json", "{\"access_token\": \"%\"}"),
            ("a.yaml", "db:\n  password: %"), (".env", "API_TOKEN=%"), ("a.go", "authToken := \"%\""),
            ("a.rb", ":secret => '%'"),
            ("a.js", "headers = { apiKey: '%' }"), ("a.toml", "secret_key = \"%\" # comment"),
            ("a.ini", "[x]\npasswd = %"),
        ])
    func assigned(path: String, template: String) async throws {
        let secret = Self.body(24)
        let folder = try TemporaryFolder()
        let text = template.replacing("%", with: secret)
        try folder.write(path, text + "\n")
        let evidence = try await run(SecretsTool(), in: folder)
        let line = text.split(separator: "\n").count
        #expect(evidence.planted == [Planted("secret.assigned", path, line)])
        #expect(evidence.findings.first?.evidence.contains(secret) == false)
        #expect(evidence.findings.first?.severity == .high)
    }

    @Test(
        "what only looks like a secret is left alone",
        arguments: [
            ("a.py", "password = getpass()"), ("a.py", "password = os.environ['DB_PASSWORD']"),
            ("a.py", "token = 'your_token_here'"),
            ("a.py", "api_key = 'xxxxxxxxxxxxxxxx'"), ("a.swift", "let token: Token = tokens[0]"),
            ("a.py", "if token == 'abc123def456ghi': pass"),
            ("a.swift", "case apiKey = \"api_key_v2\""), ("a.yaml", "password: ${DB_PASSWORD}"),
            ("a.yaml", "secret: !vault x"),
            ("a.json", "{\"integrity\": \"sha512-%\"}"),
            ("a.json", "{\"revision\": \"8f742231b10e8888abcd99f00d55a5b10e8888ab\"}"),
            ("a.yaml", "token: {{ token }}"), ("a.js", "const tokenizer = 'a1b2c3d4e5f6g7h8i9'"),
            ("a.swift", "let id = \"550e8400-e29b-41d4-a716-446655440000\""),
            ("a.md", "Use https://user:password@host/ as the address."),
            ("a.py", "url = f'https://{user}:{secret}@host'"),
            ("a.sh", "curl -H \"Authorization: Bearer $TOKEN\""), ("a.py", "key = 'AKIAIOSFODNN7EXAMPLE'"),
            ("a.go", "password := r.FormValue(\"password\")"), ("a.swift", "password: \"correct horse\""),
            ("a.py", "x = 'ghp_short'"),
            ("a.swift", "let secretName = \"kubernetes.io/service-account-token\""),
            ("a.yaml", "tokens: 8192\nmax_tokens: 4096"),
        ])
    func falseAlarms(path: String, text: String) async throws {
        let folder = try TemporaryFolder()
        try folder.write(path, text.replacing("%", with: Self.body(88)) + "\n")
        #expect(try await run(SecretsTool(), in: folder).findings.map(\.evidence) == [])
    }

    @Test("no tool's evidence shows a secret, wherever it stands on a long line")
    func maskedEverywhere() async throws {
        let secret = "ghp_" + Self.body(36)
        let padding = String(repeating: "x = 1; ", count: 300)
        for position in [0, 30, 100, 200, 239, 240, 260] {
            let line = "eval(q)" + String(repeating: " ", count: position) + "\"\(secret)\"; " + padding
            let source = file("a.js", padding + line)
            let offset = padding.utf8.count
            let text = source.evidence(at: offset, limit: 240)
            #expect(!text.contains(secret.suffix(20)) && text.utf8.count < 300)
            for cut in 5..<36 { #expect(!text.contains(secret.prefix(4 + cut)), "position \(position)") }
        }
        let folder = try TemporaryFolder()
        try folder.write("a.py", "eval(x, '\(secret)') # TODO use \(secret)\n")
        for tool in AgentDeclaration.codeAnalysis().tools {
            let evidence = try await run(tool, in: folder)
            let text = String(decoding: try AgentJSON.encode(evidence), as: UTF8.self)
            #expect(!text.contains(secret.suffix(24)), "\(tool.name)")
        }
    }
}
