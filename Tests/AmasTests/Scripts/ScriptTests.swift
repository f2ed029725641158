import Foundation
import Glibc
import LoopbackServer
import Testing

@Suite("Scripts of cluster/")
struct ScriptTests {
    private static let project = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path

    private func run(
        _ script: String, _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> Binary.Outcome {
        let process = try BinaryProcess(
            ["\(Self.project)/cluster/\(script)"] + arguments, environment: environment, executable: "/bin/bash")
        let code = await process.wait()
        return Binary.Outcome(code: code, output: process.output, error: process.error)
    }

    @Test(
        "wrong usage is exit code 2 and says how to get help",
        arguments: [
            ("up", ["--nodes", "2"]), ("up", ["--nodes"]), ("up", ["--port", "80"]), ("up", ["--port", "99999999999"]),
            ("up", ["--data"]), ("up", ["x"]), ("down", ["x"]), ("down", ["--data"]), ("start", []), ("kill", []),
            ("kill", ["a", "b", "c"]), ("logs", ["--x"]), ("status", ["--x"]), ("test", ["--x"]),
            ("test", ["--filter"]),
        ])
    func misuse(script: String, arguments: [String]) async throws {
        let outcome = try await run(script, arguments)
        #expect(outcome.code == 2)
        #expect(outcome.error.contains("/\(script) --help"))
    }

    @Test("each explains itself", arguments: ["up", "down", "start", "kill", "logs", "status", "test"])
    func help(script: String) async throws {
        let outcome = try await run(script, ["--help"])
        #expect(outcome.code == 0)
        #expect(outcome.output.contains("usage: ./cluster/\(script)"))
    }

    @Test(
        "without Swift there is one sentence that says where to get it, and nothing is made",
        .enabled(if: access("/usr/bin/swift", F_OK) != 0))
    func noSwift() async throws {
        let folder = try TemporaryFolder()
        let data = folder.path + "/data"
        let outcome = try await run("up", ["--data", data], environment: ["PATH": "/usr/bin:/bin"])
        #expect(outcome.code == 1)
        #expect(outcome.error.contains("swift.org/install"))
        #expect(!FileManager.default.fileExists(atPath: data))
    }

    @Test(
        "where no cluster is, that is said",
        arguments: [("status", []), ("start", ["node1"]), ("kill", ["node1"]), ("logs", [])])
    func nothing(script: String, arguments: [String]) async throws {
        let folder = try TemporaryFolder()
        let data = folder.path + "/none"
        let outcome = try await run(script, arguments + ["--data", data])
        #expect(outcome.code == 1)
        #expect(outcome.error == "error: no cluster in \(data); start one with ./cluster/up\n")
        #expect(!FileManager.default.fileExists(atPath: data))
    }

    @Test("a folder that `up` has not made is never removed and never written to")
    func foreignFolder() async throws {
        let folder = try TemporaryFolder()
        try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.path + "/letter"))
        _ = try await run("down", ["--purge", "--data", folder.path])
        let up = try await run("up", ["--debug", "--no-demo", "--data", folder.path])
        #expect(up.code == 1)
        #expect(folder.files == ["letter"])
    }

    @Test("a pid file whose number another process has now is nobody's")
    func recycledNumber() async throws {
        let folder = try TemporaryFolder()
        let configuration = folder.path + "/amas.yaml"
        try Data().write(to: URL(fileURLWithPath: configuration))
        let ours = try BinaryProcess(["-f", configuration], executable: "/usr/bin/tail")
        let other = try BinaryProcess(["600"], executable: "/bin/sleep")
        let library = "\(Self.project)/cluster/lib/common.sh"
        for (process, code) in [(ours, Int32(0)), (other, 1)] {
            try Data("\(process.pid)".utf8).write(to: URL(fileURLWithPath: folder.path + "/pid"))
            let alive = try BinaryProcess(
                ["-c", ". '\(library)'; alive '\(folder.path)/pid'"], executable: "/bin/bash")
            #expect(await alive.wait() == code, "\(alive.error)")
            let stop = try BinaryProcess(
                ["-c", ". '\(library)'; stop_process '\(folder.path)/pid' 5"], executable: "/bin/bash")
            #expect(await stop.wait() == 0)
        }
        #expect(await ours.wait() == 128 + SIGTERM)
        #expect(kill(other.pid, 0) == 0)
    }

    @Test("a node that is started while it is ending is started again when it is gone")
    func startWhileEnding() async throws {
        let server = try LoopbackServer { connection, _ in
            try connection.respond(200, #"{"draining":true}"#)
            return .keep
        }
        defer { server.stop() }
        let folder = try TemporaryFolder()
        let node = folder.path + "/nodes/node1"
        try FileManager.default.createDirectory(atPath: node, withIntermediateDirectories: true)
        for (name, text) in [
            ("cluster.env", ""), ("fixed.env", ""), ("nodes/node1/amas.yaml", ""),
            ("nodes/node1/node.env", "name=node1\nhttp=\(server.url(""))\n"),
            ("amas", "#!/bin/bash\nexec tail -f \"$3\"\n"),
        ] { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder.path)/\(name)")) }
        #expect(chmod(folder.path + "/amas", 0o700) == 0)
        let old = try BinaryProcess(["-f", node + "/amas.yaml"], executable: "/usr/bin/tail")
        try Data("\(old.pid)".utf8).write(to: URL(fileURLWithPath: node + "/pid"))
        func pid() -> Int32? { (try? String(contentsOfFile: node + "/pid", encoding: .utf8)).flatMap { Int32($0) } }

        let start = try BinaryProcess(
            ["\(Self.project)/cluster/start", "node1", "--data", folder.path], executable: "/bin/bash")
        #expect(await TestNodes.eventually { start.error.contains("node1 is ending") })
        #expect(pid() == old.pid, "nothing is started beside it")
        old.signal(SIGTERM)
        _ = await old.wait()
        #expect(await start.wait() == 0, "\(start.error)")
        let new = try #require(pid())
        #expect(new != old.pid && kill(new, SIGTERM) == 0)
    }
}
