import Agents
import ClusterState
import Foundation
import LoopbackClient
import Raft
import Testing

/// An entry that crashes every node. No command does that, so the test writes what three crashes leave in each folder; that they
/// leave it is shown on real ones in `RaftServerTests`.
extension ProcessTests {
    @Test("in rescue mode a node says why and takes no part; once they skip the entry all nodes go on and agree")
    func entryIsSkipped() async throws {
        try await ClusterProcesses.run { cluster in
            let kept = try await cluster.submitHeld(1)
            try await cluster.waitUntilWritten()
            // What nobody could apply cannot have been written either.
            try await cluster.killDatabase()
            let lost = try await cluster.submitHeld(2)
            try await cluster.down()
            let replay = try #require(try cluster.replays().first)
            let key = try #require(TaskKey(tenant: "default", id: lost))
            let entry = try #require(replay.state.task(key)).createdRevision.index
            for node in cluster.nodes {
                let crash = "crashed \(entry) \(entry)\n"
                let path = "\(cluster.folder)/nodes/\(node.name)/data/crashes"
                try (crash + crash + crash).write(toFile: path, atomically: true, encoding: .utf8)
                try await cluster.start(node.name)
            }
            for node in cluster.nodes {
                #expect(try await cluster.request(node.port, "GET", "/livez").status == 200)
                let ready = try await cluster.request(node.port, "GET", "/readyz")
                #expect(ready.status == 503 && ready.text.contains("rescue skip \(entry)"), "\(ready.text)")
                let health = try await cluster.request(node.port, "GET", "/api/v1/health")
                #expect(health.json["status"]?.stringValue == "down" && health.text.contains("entry \(entry) "))
                let refused = try await cluster.request(node.port, "POST", "/api/v1/tasks", body: Load.held(3))
                #expect(refused.status == 503)
                let complaint = try cluster.log(of: node.name).last { $0["level"]?.stringValue == "critical" }
                #expect(complaint?["metadata"]?["reason"]?.stringValue?.contains("rescue skip \(entry)") == true)
                await #expect(throws: Script.Failure.self) { try await cluster.rescue(node.name, "skip", "1") }
                try await cluster.rescue(node.name, "skip", "\(entry)")
                try await cluster.stop(node.name)
            }
            try await cluster.startAgain()
            for node in cluster.nodes {
                #expect(try await cluster.request(node.port, "GET", "/api/v1/tasks/\(kept)").status == 200)
                #expect(try await cluster.request(node.port, "GET", "/api/v1/tasks/\(lost)").status == 404)
            }
            // Only what a quorum agrees on is written.
            let next = try await cluster.submitHeld(4)
            try await cluster.waitUntilWritten()
            #expect(try await Set(cluster.query("SELECT task_id FROM tasks")) == [kept, next])
            #expect(try await cluster.hashesAtOneIndex().hashes.count == 1)
        }
    }
}

extension ClusterProcesses {
    fileprivate func submitHeld(_ number: Int) async throws -> String {
        let reply = try await request(balancerPort, "POST", "/api/v1/tasks", body: Load.held(number))
        return try #require(reply.json["task_id"]?.stringValue, "\(reply.text)")
    }

    fileprivate func waitUntilWritten() async throws {
        try await until("everything is written") { await view(balancerPort)?.unpersisted == 0 }
    }

    fileprivate func rescue(_ node: String, _ words: String...) async throws {
        try await Script.run(
            ["\(folder)/amas", "rescue"] + words + ["--config", "\(folder)/nodes/\(node)/amas.yaml"])
    }
}
