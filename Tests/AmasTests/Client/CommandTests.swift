import Agents
import Foundation
import LoopbackServer
import Testing

@Suite("The command line against a server")
struct CommandTests {
    private func problem(_ title: String, _ type: String) -> String {
        "{\"type\":\"/problems/\(type)\",\"title\":\"\(title)\"}"
    }

    /// Runs a command against a server that always answers so.
    private func run(_ arguments: [String], status: Int, _ body: String) async throws -> Binary.Outcome {
        let server = try LoopbackServer { connection, _ in
            try connection.respond(status, headers: ["Content-Type: application/json"], body)
            return .keep
        }
        defer { server.stop() }
        return try await Binary.run(arguments, environment: ["AMAS_URL": server.url(""), "AMAS_TOKEN": "t"])
    }

    @Test(
        "each kind of refusal has its exit code",
        arguments: [
            (401, "unauthenticated", 6), (403, "forbidden", 6), (404, "not_found", 1), (422, "invalid", 2),
            (503, "no_quorum", 4), (503, "overloaded", 1), (504, "timeout", 5), (500, "internal", 1),
        ] as [(Int, String, Int32)])
    func refusals(status: Int, type: String, code: Int32) async throws {
        let outcome = try await run(["task", "get", "t1"], status: status, problem("Sorry", type))
        #expect(outcome.code == code)
        #expect(outcome.output.isEmpty)
        #expect(outcome.error.hasPrefix("error: Sorry"))
    }

    @Test("without a node that answers the status says: no quorum")
    func nobody() async throws {
        let unreachable = try await Binary.run("cluster", "status", "--url", "http://127.0.0.1:1")
        #expect(unreachable.code == 4 && unreachable.error.contains("no node answers"))
        // A balancer's own answer, when nobody stands behind it.
        #expect(try await run(["cluster", "status"], status: 503, "<html>").code == 4)
    }

    @Test("what others have written cannot move the cursor, nor make a row of its own")
    func controls() async throws {
        let title = #"a\nb\u001b[31mred\u009b2J\u202e"#
        let page = #"{"tasks":[{"task_id":"t1","title":"\#(title)"}],"total":1}"#
        let outcome = try await run(["task", "list"], status: 200, page)
        #expect(outcome.code == 0 && outcome.output.split(separator: "\n").count == 2)
        #expect(outcome.output.contains("a b\u{FFFD}[31mred\u{FFFD}2J\u{FFFD}"))
    }

    @Test("every field that was refused is named")
    func fields() async throws {
        let body = """
            {"type":"/problems/invalid","title":"Invalid","errors":[{"field":"priority","message":"is 1 to 10"},{"field":"target","message":"is outside"}]}
            """
        let outcome = try await run(["task", "submit", "--type", "x"], status: 422, body)
        #expect(outcome.error.contains("  priority: is 1 to 10\n  target: is outside"))
    }

    private func cluster(quorum: Bool, _ statuses: [String]) -> String {
        let members = statuses.enumerated().map { "{\"name\":\"node\($0 + 1)\",\"status\":\"\($1)\"}" }
        return "{\"has_quorum\":\(quorum),\"leader\":\"node1\",\"members\":[\(members.joined(separator: ","))]}"
    }

    @Test("cluster status: 0 if all is well, 3 if a member is missing, 4 without a quorum")
    func clusterStatus() async throws {
        let well = try await run(
            ["cluster", "status"], status: 200, cluster(quorum: true, ["available", "available"]))
        #expect(well.code == 0)
        #expect(well.output.contains("NAME") && well.error.isEmpty)
        let degraded = try await run(["cluster", "status"], status: 200, cluster(quorum: true, ["available", "left"]))
        #expect(degraded.code == 3)
        #expect(degraded.error.contains("node2") && !degraded.error.contains("node1"))
        #expect(try await run(["cluster", "status"], status: 200, cluster(quorum: false, ["available"])).code == 4)
    }

    @Test("a transfer of leadership names the new leader, or fails", arguments: ["table", "json"])
    func transfer(format: String) async throws {
        let command = ["cluster", "transfer-leadership", "-o", format]
        let done = try await run(command, status: 200, #"{"leader":"node2"}"#)
        #expect(done.code == 0 && done.output.contains("node2") && done.error.isEmpty)
        let open = try await run(command, status: 200, #"{"leader":null}"#)
        #expect(open.code == 5 && open.error.contains("nobody was elected in time"))
    }

    /// Runs a change of member 4 against a cluster that has taken it and then shows the member so.
    private func change(_ arguments: [String], role: String, changing: Bool, waitsFor: String) async throws
        -> Binary.Outcome
    {
        let server = try LoopbackServer { connection, request in
            let body =
                request.target == "/api/v1/cluster"
                ? #"{"changing":[\#(changing ? "4" : "")],"members":[{"member_id":4,"role":"\#(role)","waits_for":"\#(waitsFor)"}]}"#
                : #"{"member_ids":[4],"done":false,"voters":3,"tolerance_before":1,"tolerance":1,"waits_for":null}"#
            try connection.respond(200, headers: ["Content-Type: application/json"], body)
            return .keep
        }
        defer { server.stop() }
        return try await Binary.run(["cluster"] + arguments + ["--url", server.url(""), "--timeout", "1"])
    }

    @Test("a member that is added is done when it has caught up, and what it waits for to vote is said")
    func adding() async throws {
        let add = ["add", "4", "--peer", "127.0.0.1:1"]
        let waits = "node4 has caught up, and votes when another has"
        let done = try await change(add, role: "joining", changing: false, waitsFor: waits)
        #expect(done.code == 0 && done.output.contains("voters 3  tolerates 1 failure now, 1 when this is done\n"))
        #expect(done.output.contains("done: \(waits)"))
        let lost = try await change(add, role: "joining", changing: true, waitsFor: "node4 is not reached")
        #expect(lost.code == 5 && lost.error.contains("still under way: node4 is not reached"))
        #expect(!lost.output.contains("done:"))
    }

    @Test(
        "a replacement and a promotion are done when the member votes",
        arguments: [["replace", "4", "--incarnation", "a1"], ["promote", "4"]])
    func voting(command: [String]) async throws {
        let waits = "node4 has caught up, and votes when another has"
        let joining = try await change(command, role: "joining", changing: false, waitsFor: waits)
        #expect(joining.code == 5 && joining.error.contains("still under way: \(waits)"))
        #expect(try await change(command, role: "voter", changing: false, waitsFor: "").code == 0)
    }

    @Test("a node is asked to wait for less than the command does, so that its reasons arrive", arguments: [1, 2, 30])
    func patience(seconds: Int) async throws {
        let seen = Journal<String>()
        let server = try LoopbackServer { connection, request in
            seen.add(request["prefer"] ?? "none")
            try connection.respond(200, #"{"done":true}"#)
            return .keep
        }
        defer { server.stop() }
        _ = try await Binary.run(
            "cluster", "promote", "4", "--url", server.url(""), "--timeout", "\(seconds)")
        #expect(seen.events == ["wait=\(min(2, seconds / 2))"])
    }

    @Test("cluster status prefers the endpoint that sees a quorum")
    func bestView() async throws {
        let (cut, whole) = (cluster(quorum: false, ["available"]), cluster(quorum: true, ["available"]))
        let first = try LoopbackServer { connection, _ in
            try connection.respond(200, cut)
            return .keep
        }
        let second = try LoopbackServer { connection, _ in
            try connection.respond(200, whole)
            return .keep
        }
        defer { first.stop(); second.stop() }
        let outcome = try await Binary.run("cluster", "status", "--url", "\(first.url("")),\(second.url(""))")
        #expect(outcome.code == 0)
    }

    @Test("-o json prints the answer as it came")
    func json() async throws {
        let outcome = try await run(
            ["task", "get", "t1", "-o", "json"], status: 200, "{\"task_id\":\"t1\",\"status\":\"failed\"}")
        #expect(outcome.code == 0)
        #expect(outcome.output == "{\"status\":\"failed\",\"task_id\":\"t1\"}\n")
        let table = try await run(["task", "get", "t1"], status: 200, "{\"task_id\":\"t1\",\"status\":\"failed\"}")
        #expect(table.output == "task    t1\nstatus  failed\n")
    }

    @Test("a submission is tried on the next endpoint with the same key, and only until one has it")
    func failover() async throws {
        let keys = Journal<String>()
        let broken = try LoopbackServer { connection, request in
            keys.add("broken \(request["idempotency-key"] ?? "none")")
            return .close
        }
        let overloaded = try LoopbackServer { connection, request in
            keys.add("overloaded \(request["idempotency-key"] ?? "none")")
            try connection.respond(503, "{\"title\":\"Busy\"}")
            return .keep
        }
        let good = try LoopbackServer { connection, request in
            keys.add("good \(request["idempotency-key"] ?? "none")")
            try connection.respond(201, "{\"task_id\":\"t1\"}")
            return .keep
        }
        let unused = try LoopbackServer { connection, _ in
            keys.add("unused")
            try connection.respond(201, "{}")
            return .keep
        }
        defer { for server in [broken, overloaded, good, unused] { server.stop() } }
        let urls = ["http://127.0.0.1:1", broken.url(""), overloaded.url(""), good.url(""), unused.url("")]
        let outcome = try await Binary.run(
            ["task", "submit", "--type", "x"],
            environment: ["AMAS_URL": urls.joined(separator: ","), "AMAS_TOKEN": "t"])
        #expect(outcome.code == 0, "\(outcome.error)")
        let seen = keys.events.map { $0.split(separator: " ").map(String.init) }
        #expect(seen.map(\.first) == ["broken", "overloaded", "good"])
        #expect(Set(seen.map(\.last)).count == 1 && seen.first?.last != "none")
    }

    @Test("what one endpoint refuses for good is not asked of the next")
    func noFailover() async throws {
        let refusing = try LoopbackServer { connection, _ in
            try connection.respond(422, "{\"title\":\"Invalid\"}")
            return .keep
        }
        let other = try LoopbackServer { connection, _ in
            try connection.respond(201, "{}")
            return .keep
        }
        defer { refusing.stop(); other.stop() }
        let outcome = try await Binary.run(
            "task", "submit", "--type", "x", "--url", "\(refusing.url("")),\(other.url(""))")
        #expect(outcome.code == 2)
        #expect(other.accepted == 0)
    }

    @Test("an endpoint that hangs is a time-out, and does not keep the next from answering")
    func hangs() async throws {
        let gate = Gate()
        let hanging = try LoopbackServer { _, _ in
            gate.wait(seconds: 60)
            return .close
        }
        defer { gate.open(); hanging.stop() }
        let alone = try await Binary.run("task", "get", "t", "--url", hanging.url(""), "--timeout", "1")
        #expect(alone.code == 5)
        let good = try LoopbackServer { connection, _ in
            try connection.respond(200, "{\"task_id\":\"t\"}")
            return .keep
        }
        defer { good.stop() }
        let both = try await Binary.run(
            "task", "get", "t", "--url", "\(hanging.url("")),\(good.url(""))", "--timeout", "1")
        #expect(both.code == 0)
    }

    @Test("the key is sent, from the environment or a file, and never shown")
    func key() async throws {
        let seen = Journal<String>()
        let server = try LoopbackServer { connection, request in
            seen.add(request["authorization"] ?? "none")
            try connection.respond(401, "{\"title\":\"Unauthenticated\"}")
            return .keep
        }
        defer { server.stop() }
        let file = NSTemporaryDirectory() + "amas-key-" + UUID().uuidString
        try Data("sesame-2\n".utf8).write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let first = try await Binary.run(
            ["task", "list"], environment: ["AMAS_URL": server.url(""), "AMAS_TOKEN": "sesame-1"])
        let second = try await Binary.run("task", "list", "--url", server.url(""), "--token-file", file)
        #expect(seen.events == ["Bearer sesame-1", "Bearer sesame-2"])
        #expect(first.code == 6 && second.code == 6)
        #expect(!(first.error + second.error).contains("sesame"))
    }

    @Test("a filter travels as it was given")
    func filters() async throws {
        let seen = Journal<String>()
        let server = try LoopbackServer { connection, request in
            seen.add(request.target)
            try connection.respond(200, "{\"tasks\":[],\"total\":0}")
            return .keep
        }
        defer { server.stop() }
        _ = try await Binary.run(
            "task", "list", "--url", server.url(""), "--status", "failed", "--type", "a&b=c d", "--limit", "3",
            "--cursor", "x=1")
        #expect(seen.events == ["/api/v1/tasks?limit=3&status=failed&task_type=a%26b%3Dc%20d&cursor=x%3D1"])
        #expect(try await Binary.run("task", "list", "--url", server.url(""), "--limit", "0").code == 2)
    }
}
