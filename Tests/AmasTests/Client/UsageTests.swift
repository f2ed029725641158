import Testing

@testable import amas

@Suite("Usage")
struct UsageTests {
    private static let commands: [[String]] = [
        [], ["init"], ["serve"], ["task"], ["task", "submit"], ["task", "get"], ["task", "watch"], ["task", "list"],
        ["task", "cancel"],
        ["cluster"], ["cluster", "status"], ["cluster", "add"], ["cluster", "promote"],
        ["cluster", "remove"], ["cluster", "replace"], ["cluster", "drain"], ["cluster", "transfer-leadership"],
        ["recover-quorum"], ["certs"], ["certs", "authority"], ["certs", "node"], ["certs", "inspect"],
        ["config"],
        ["config", "check"], ["config", "settings"], ["version"],
    ]

    @Test("every command explains itself", arguments: commands)
    func help(command: [String]) async throws {
        let outcome = try await Binary.run(command + ["--help"])
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("USAGE: amas \(command.joined(separator: " "))".trimmed))
        #expect(outcome.error.isEmpty)
    }

    @Test(
        "wrong usage is exit code 2, said on the standard error",
        arguments: [
            ["nonsense"], ["task", "submit"], ["task", "get"], ["task", "list", "--timeout", "0"],
            ["task", "get", "t", "-o", "xml"],
            ["task", "submit", "--type", "x", "--url", "http://127.0.0.1:1", "--parameter", "novalue"],
            ["task", "list"], ["cluster", "add", "4"], ["cluster", "remove"],
            ["cluster", "replace", "3", "--url", "http://127.0.0.1:1"],
            ["cluster", "replace", "3", "--incarnation", "1", "--with", "4", "--url", "http://127.0.0.1:1"],
            ["task", "list", "--url", "ftp://x"], ["task", "list", "--url", "http://x", "--token-file", "/no/such"],
            ["certs", "node", "--directory", "/tmp", "--id", "one"],
        ])
    func misuse(arguments: [String]) async throws {
        let outcome = try await Binary.run(arguments)
        #expect(outcome.code == 2, "\(outcome.error)")
        #expect(outcome.output.isEmpty)
        #expect(!outcome.error.isEmpty)
    }

    @Test("a URL without a scheme is told what to add")
    func scheme() async throws {
        let outcome = try await Binary.run("task", "list", "--url", "localhost:8080")
        #expect(outcome.code == 2)
        #expect(outcome.error == "error: localhost:8080 has no scheme: write http://localhost:8080\n")
    }

    @Test("each shell gets its completion", arguments: ["bash", "zsh", "fish"])
    func completion(shell: String) async throws {
        let outcome = try await Binary.run("--generate-completion-script", shell)
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("inspect") && outcome.output.contains("token-file"))
    }

    @Test("the completion for bash is a script that bash takes")
    func bash() async throws {
        let script = try await Binary.run("--generate-completion-script", "bash").output
        let check = try BinaryProcess(["-n", "-c", script], executable: "/bin/bash")
        #expect(await check.wait() == 0, "\(check.error)")
    }

    @Test("the version is printed alike by the flag and the command")
    func version() async throws {
        let flag = try await Binary.run("--version")
        let command = try await Binary.run("version")
        #expect(flag.output == command.output && flag.code == 0 && command.code == 0)
        #expect(command.output == Version.text + "\n")
    }

    @Test("an endpoint that nobody listens on is exit code 1 and one line")
    func nobody() async throws {
        let outcome = try await Binary.run("task", "list", "--url", "http://127.0.0.1:1")
        #expect(outcome.code == 1)
        #expect(outcome.error.hasPrefix("error: http://127.0.0.1:1/: Failed to connect to 127.0.0.1 port 1"))
        #expect(outcome.error.split(separator: "\n").count == 1)
    }

    @Test("certificates: made, not made twice, looked at")
    func certificates() async throws {
        let folder = try TemporaryFolder()
        let directory = folder.path
        #expect(try await Binary.run("certs", "authority", "--cluster", "c", "--directory", directory).code == 0)
        let again = try await Binary.run("certs", "authority", "--cluster", "c", "--directory", directory)
        #expect(again.code == 1)
        #expect(again.error.contains("--force"))
        let node = try await Binary.run("certs", "node", "--directory", directory, "--id", "3", "--name", "localhost")
        #expect(node.output == "\(directory)/node-3.crt\n")
        let report = try await Binary.run("certs", "inspect", "--directory", directory)
        #expect(report.code == 0)
        #expect(report.output.contains("node-3") && report.output.contains("ca"))
        #expect(try await Binary.run("certs", "inspect", "--directory", directory + "/none").code == 1)
    }
}
