import Agents
import Foundation
import Glibc
import Testing

@testable import amas

@Suite("What three nodes say of their cluster")
struct ClusterStatusTests {
    private func members(_ nodes: TestNodes, of id: Int) async throws -> [JSONValue] {
        try await cluster(nodes, of: id)["members"]?.arrayValue ?? []
    }

    private func cluster(_ nodes: TestNodes, of id: Int) async throws -> JSONValue {
        try #require(JSONValue.decoding(try await nodes.get(id, "/api/v1/cluster").body))
    }

    @Test("a database that is not there is said, and makes the cluster a degraded one")
    func database() async throws {
        let nodes = try await TestNodes(1, settings: "postgres: {url: \"postgresql://u@127.0.0.1:1/db\"}")
        let process = try nodes.serve(1)
        try await nodes.waitUntilReady([1: process])
        #expect(
            await TestNodes.eventually {
                let status = try await nodes.client("cluster", "status")
                return status.code == 3 && status.error.contains("postgresql is degraded")
            })
    }

    @Test("each of three nodes tells the whole truth, before and after one has died, and the last one what it knows")
    func everyNode() async throws {
        let nodes = try await TestNodes(3)
        let processes = Dictionary(uniqueKeysWithValues: try (1...3).map { ($0, try nodes.serve($0)) })
        try await nodes.waitUntilReady(processes)
        for id in 1...3 {
            #expect(
                await TestNodes.eventually {
                    let body = try await cluster(nodes, of: id)
                    return body["failure_tolerance"] == .integer(1) && body["seen_by"] == body["leader"]
                        && (body["members"]?.arrayValue ?? []).allSatisfy {
                            $0["status"]?.stringValue == "available" && $0["lag_entries"] == .integer(0)
                                && $0["match_index"] != .null && $0["last_contact_seconds"] != .null
                        }
                }, "node \(id) sees all")
        }
        #expect(try await nodes.client("cluster", "status", urls: nodes.url(3)).code == 0)
        let leader = try #require(try await cluster(nodes, of: 1)["leader"]?.stringValue)
        let followers = (1...3).filter { "node\($0)" != leader }
        let (dead, witness) = (followers[0], followers[1])
        processes[dead]?.signal(SIGKILL)
        for id in 1...3 where id != dead {
            #expect(
                await TestNodes.eventually {
                    let body = try await cluster(nodes, of: id)
                    let lost = (body["members"]?.arrayValue ?? []).filter { $0["status"]?.stringValue == "unreachable" }
                    return body["failure_tolerance"] == .integer(0) && body["has_quorum"] == .bool(true)
                        && lost.map { $0["name"]?.stringValue } == ["node\(dead)"] && body["seen_by"] == body["leader"]
                }, "node \(id) sees the death")
        }
        let degraded = try await nodes.client("cluster", "status", urls: nodes.url(witness))
        #expect(degraded.code == 3)
        #expect(degraded.error.contains("node\(dead) is unreachable"), "\(degraded.error)")
        for id in 1...3 where id != witness { processes[id]?.signal(SIGKILL) }
        #expect(
            await TestNodes.eventually {
                let body = try await cluster(nodes, of: witness)
                return body["has_quorum"] == .bool(false) && body["seen_by"]?.stringValue == "node\(witness)"
                    && body["leader"] == .null
            })
        let lost = try await nodes.client("cluster", "status", urls: nodes.url(witness))
        #expect(lost.code == 4)
        #expect(lost.output.contains("leader none"), "\(lost.output)")
    }

    @Test("a node whose folder was made anew is kept out: it says so in plain words and ends with exit code 1")
    func anotherFolder() async throws {
        let nodes = try await TestNodes(3)
        var processes = Dictionary(uniqueKeysWithValues: try (1...3).map { ($0, try nodes.serve($0)) })
        try await nodes.waitUntilReady(processes)
        processes[3]?.signal(SIGKILL)
        _ = await processes[3]?.wait()
        try FileManager.default.removeItem(atPath: nodes.folder + "/data3")
        #expect(try await Binary.run("init", "--config", nodes.file(3)).code == 0)
        let wiped = try nodes.serve(3)
        guard await Patience.wait(.seconds(60), for: { _ = await wiped.wait() }) else {
            Issue.record("the node runs on: \(wiped.error)")
            return
        }
        #expect(await wiped.wait() == 1)
        let critical = try #require(wiped.error.split(separator: "\n").last { $0.contains("\"level\":\"critical\"") })
        #expect(critical.contains("the cluster knows member 3 with another data folder"))
        #expect(critical.contains("amas cluster replace 3"))
        processes[3] = nil
        // The others go on, and their logs tell the same without the words of the program's own.
        for (id, process) in processes {
            #expect(try await nodes.get(id, "/readyz").status == 200)
            let lines = process.error.split(separator: "\n").filter { $0.contains("another data folder") }
            #expect(!lines.isEmpty, "node \(id) says whom it keeps out")
            for line in (process.error + wiped.error).split(separator: "\n") {
                for word in ["HandshakeFailure", "HandshakeRefusal", "handshake(", "RaftServer."] {
                    #expect(!line.contains(word), "\(line)")
                }
            }
        }
    }

    @Test("a majority that lost its folders founds no second cluster", arguments: [true, false])
    func noSecondCluster(isOneLeft: Bool) async throws {
        let nodes = try await TestNodes(3)
        var processes = Dictionary(uniqueKeysWithValues: try (1...3).map { ($0, try nodes.serve($0)) })
        try await nodes.waitUntilReady(processes)
        for id in isOneLeft ? 1...2 : 1...3 {
            processes[id]?.signal(SIGKILL)
            _ = await processes[id]?.wait()
        }
        for id in 1...2 {
            try FileManager.default.removeItem(atPath: nodes.folder + "/data\(id)")
            #expect(try await Binary.run("init", "--config", nodes.file(id)).code == 0)
            processes[id] = try nodes.serve(id)
        }
        // Longer than founding a cluster takes, ten elections and more.
        for _ in 0..<50 {
            for id in 1...2 {
                #expect(try await nodes.get(id, "/readyz").status != 200)
                let answer = try await nodes.post(
                    id, "/api/v1/tasks", #"{"title":"t","task_type":"code_analysis","target":"a.swift"}"#)
                #expect(answer.status != 201, "\(answer.body)")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        for process in processes.values { process.signal(SIGKILL) }
    }
}
