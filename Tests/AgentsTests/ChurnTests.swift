import Glibc
import Testing

@testable import Agents

@Suite("Child processes")
struct ChildProcessTests {
    private func run(
        _ arguments: [String], time: Duration = .seconds(30), output: Int = 10_000, interrupt: Interrupt = Interrupt()
    ) throws -> ChildProcess.Output {
        try ChildProcess.run(
            "/bin/sh", ["-c"] + arguments, environment: ["A=1"], timeLimit: time, outputLimit: output,
            interrupt: interrupt)
    }

    @Test("output and status come back; the environment is the given one, and no descriptor is inherited")
    func result() throws {
        let opened = open("/dev/null", O_RDONLY)
        defer { close(opened) }
        let output = try run(["echo $A$HOME; ls /proc/self/fd | wc -l; exit 3"])
        // Input, output, error, and the folder that ls itself has open.
        #expect(String(decoding: output.bytes, as: UTF8.self) == "1\n4\n")
        #expect(output.status == 3)
    }

    @Test("a child that takes too long, also with its output closed, is ended with its children")
    func timeLimit() throws {
        for command in ["sleep 60 & sleep 60", "exec >&-; sleep 60", "trap '' TERM; while :; do :; done"] {
            #expect {
                try run([command], time: .milliseconds(100))
            } throws: {
                if case .childProcess(let program, _) = $0 as? AgentError { program == "sh" } else { false }
            }
        }
    }

    @Test("a child that writes without end is cut at the limit exactly")
    func outputLimit() throws {
        let output = try run(["while :; do echo xxxxxxxxxxxxxxxx; done"], output: 5_000)
        #expect(output.bytes.count == 5_000)
        #expect(output.status == nil)
    }

    @Test("an interrupt ends a silent child")
    func interrupted() throws {
        let interrupt = Interrupt(deadline: ContinuousClock.now + .milliseconds(50))
        #expect(throws: AgentError.deadlineExceeded) { try run(["sleep 60"], interrupt: interrupt) }
        let cancelled = Interrupt()
        cancelled.cancel()
        #expect(throws: AgentError.cancelled) { try run(["sleep 60"], interrupt: cancelled) }
    }

    @Test("a program that does not exist is named")
    func missing() {
        #expect(throws: AgentError.childProcess(program: "x", reason: "No such file or directory")) {
            try ChildProcess.run(
                "/nonexistent/x", [], environment: [], timeLimit: .seconds(1), outputLimit: 1, interrupt: Interrupt())
        }
    }
}

@Suite("Hot-spots")
struct ChurnTests {
    /// A repository in which `hot.py` changes in every commit and `cold.py` in the first only.
    private func repository(_ folder: TemporaryFolder, below: String = "") throws {
        let script = """
            cd '\(folder.path)/\(below)' && git init -q . && git config user.email a@example.org && git config user.name A
            echo 'x = 1' > cold.py; mkdir -p sub; echo 'y = 1' > sub/z.py; echo gone > gone.py
            for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
              echo "x = $i" >> hot.py; git add -A
              GIT_AUTHOR_DATE="2024-02-29T10:00:$i+0000" GIT_COMMITTER_DATE="2024-02-29T10:00:$i+0000" git commit -qm "c$i"
            done
            git rm -q gone.py && GIT_COMMITTER_DATE='2024-03-01T00:00:00+0000' git commit -qm gone
            """
        let output = try ChildProcess.run(
            "/bin/sh", ["-c", script], environment: ["PATH=/usr/bin:/bin", "HOME=\(folder.path)"],
            timeLimit: .seconds(60), outputLimit: 10_000, interrupt: Interrupt())
        guard output.status == 0 else { throw TestFailure("git ended with \(output.status ?? -1)") }
    }

    @Test(
        "the file that changes most is a hot-spot, files that are gone are not shown",
        .enabled(if: GitLog.program != nil))
    func hotSpot() async throws {
        let folder = try TemporaryFolder()
        try repository(folder)
        let evidence = try await run(ChurnTool(), in: folder)
        #expect(evidence.planted == [Planted("churn.hot-spot", "hot.py", 1)])
        #expect(evidence.headline == "13 commits examined; most often changed: hot.py (12 commits)")
        #expect(
            evidence.tables.first?.rows == [
                ["hot.py", "12", "12", "0", "2024-02-29"], ["cold.py", "1", "1", "0", "2024-02-29"],
                ["sub/z.py", "1", "1", "0", "2024-02-29"],
            ])
        let part = try await run(ChurnTool(), in: folder, target: "sub")
        #expect(part.tables.first?.rows.map { $0[0] } == ["sub/z.py"])
        #expect(part.metric("commits") == 1)
    }

    @Test("paths are those of the root, also where the work tree lies below it", .enabled(if: GitLog.program != nil))
    func nested() async throws {
        let folder = try TemporaryFolder()
        try folder.makeFolders(["code"])
        try repository(folder, below: "code")
        #expect(
            try await run(ChurnTool(), in: folder, target: "code").planted == [
                Planted("churn.hot-spot", "code/hot.py", 1)
            ])
    }

    @Test("a repository's own configuration starts no program", .enabled(if: GitLog.program != nil))
    func hostileConfiguration() async throws {
        let folder = try TemporaryFolder()
        try repository(folder)
        let trap = "/bin/sh -c 'touch \(folder.path)/sprung'"
        let settings = [
            "[core]", "fsmonitor = \"\(trap)\"", "pager = \"\(trap)\"", "sshCommand = \"\(trap)\"",
            "editor = \"\(trap)\"",
            "hooksPath = \(folder.path)/hooks", "[diff]", "external = \"\(trap)\"", "[diff \"x\"]",
            "textconv = \"\(trap)\"",
            "command = \"\(trap)\"", "[log]", "showSignature = true", "[gpg]", "program = \"\(trap)\"", "[alias]",
            "log = \"!\(trap)\"",
        ]
        try folder.write(".gitattributes", "*.py diff=x\n")
        let script = "printf '%s\\n' \"$SETTINGS\" >> '\(folder.path)/.git/config'"
        let output = try ChildProcess.run(
            "/bin/sh", ["-c", script], environment: ["SETTINGS=\(settings.joined(separator: "\n"))"],
            timeLimit: .seconds(60), outputLimit: 100, interrupt: Interrupt())
        #expect(output.status == 0)
        let evidence = try await run(ChurnTool(), in: folder)
        #expect(evidence.metric("commits") == 13)
        #expect(access("\(folder.path)/sprung", F_OK) != 0, "a setting of the repository was executed")
    }

    @Test("without a work tree inside the workspace there is a note and no failure")
    func noWorkTree() async throws {
        let folder = try TemporaryFolder()
        try folder.write("a.py", "x = 1\n")
        let evidence = try await run(ChurnTool(), in: folder)
        #expect(evidence.notes.first?.contains("no git work tree") == true)
        // A `.git` file points somewhere else, which may be outside.
        try folder.write(".git", "gitdir: /etc\n")
        #expect(try await run(ChurnTool(), in: folder).findings.isEmpty)
    }

    @Test(
        "a repository without commits has no history, a broken one is this tool's failure",
        .enabled(if: GitLog.program != nil))
    func emptyRepository() async throws {
        let folder = try TemporaryFolder()
        try folder.write("a.py", "x = 1\n")
        _ = try ChildProcess.run(
            "/bin/sh", ["-c", "git init -q '\(folder.path)'"], environment: ["PATH=/usr/bin:/bin"],
            timeLimit: .seconds(60), outputLimit: 100, interrupt: Interrupt())
        let evidence = try await run(ChurnTool(), in: folder)
        #expect(evidence.headline == "no commit touches these files")
        try folder.write(".git/HEAD", "nonsense\n")
        await #expect {
            try await run(ChurnTool(), in: folder)
        } throws: {
            if case .childProcess("git", _) = $0 as? AgentError { true } else { false }
        }
    }
}
