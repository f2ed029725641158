import Agents
import Foundation
import LoopbackClient
import Testing

/// Disks that stand still, and disks that are full, under real nodes.
extension ProcessTests {
    @Test(
        "a leader whose disk stands still gives way, says so and gets no tasks; nobody behind the balancer notices",
        .enabled(if: StalledDisk.obstacle == nil, "halts a thread of another process, for which it may have to be root")
    )
    func diskStandsStill() async throws {
        try await ClusterProcesses.run { cluster in
            let load = Load(cluster)
            try await load.run(throughBalancer: 4, toEachNode: 0, paceMilliseconds: 60) {
                try await load.goOn()
                let leader = try await cluster.leader()
                let port = cluster.port(of: leader)
                try await StalledDisk.run(of: [leader], in: cluster) {
                    try await until("another leads") { await cluster.hasSuccessor(leader) }
                    try await until("it is given no tasks") {
                        try await cluster.availability(of: leader, asSeenBy: cluster.balancerPort) == "suspended"
                    }
                    #expect(try await cluster.health(of: "log", at: port) == "down")
                    #expect(try await cluster.metric(#"amas_raft_wal_trouble{kind="stalled"}"#, at: port) == 1)
                    #expect(try await cluster.request(port, "GET", "/readyz").status == 503)
                    for number in 0..<6 { try await cluster.expectDone(number, not: leader, at: cluster.balancerPort) }
                    try await load.goOn()
                }
                try await cluster.waitUntilReady()
                try await until("it is given tasks again") {
                    try await cluster.availability(of: leader, asSeenBy: cluster.balancerPort) == "available"
                }
                #expect(try await cluster.health(of: "log", at: port) == "ok")
                try await load.goOn()
            }
            #expect(load.report.failedThroughBalancer == [])
            #expect(load.report.contradictions == [])
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.hashesAtOneIndex().hashes.count == 1)
        }
    }

    @Test(
        "a node on a full file system serves on, gets no tasks, and all are told; room is all that it needs",
        .enabled(if: geteuid() == 0, "mounts a small file system, for which it must be root"))
    func diskIsFull() async throws {
        try await ClusterProcesses.run { cluster in
            let load = Load(cluster)
            try await load.run(throughBalancer: 4, toEachNode: 0, paceMilliseconds: 60) {
                try await load.goOn()
                let victim = try #require(cluster.nodes.last)
                try await cluster.stop(victim.name)
                try cluster.moveToSmallDisk(victim.name)
                try await cluster.start(victim.name)
                try await until("every node raises the alarm") {
                    for port in cluster.ports {
                        guard try await cluster.alarms(port) == [victim.name] else { return false }
                    }
                    return true
                }
                #expect(try await cluster.health(of: "log", at: victim.port) == "degraded")
                #expect(try await cluster.metric(#"amas_raft_wal_trouble{kind="full"}"#, at: victim.port) == 1)
                try await cluster.waitUntilReady()
                // It takes no tasks itself, and any request.
                for number in 0..<3 { try await cluster.expectDone(number, not: victim.name, at: victim.port) }
                try await load.goOn()
                #expect(try await cluster.leader() != victim.name)

                try await cluster.enlargeDisk(of: victim.name)
                try await until("the alarm ends") { try await cluster.alarms(victim.port).isEmpty }
                #expect(try await cluster.health(of: "log", at: victim.port) == "ok")
            }
            #expect(load.report.failedThroughBalancer == [])
            try await cluster.waitUntilQuiet()
            #expect(try await cluster.hashesAtOneIndex().hashes.count == 1)
        }
    }
}

extension ClusterProcesses {
    /// A task asked for at `port` is done, on another node than this one.
    fileprivate func expectDone(_ number: Int, not node: String, at port: Int) async throws {
        let key = "done-\(number)"
        let reply = try await request(
            port, "POST", "/api/v1/tasks", ["Idempotency-Key": key, "Prefer": "wait=30"], body: Load.small(number))
        #expect(reply.status == 201)
        #expect(reply.json["status"] == .string("completed"))
        #expect(reply.json["execution_metadata"]?["node"] != .string(node))
        let read = try await request(
            port, "GET", "/api/v1/tasks/\(reply.json["task_id"]?.stringValue ?? "")?consistency=strong")
        #expect(read.status == 200)
    }

    /// The members whose logs a node knows to be without room.
    fileprivate func alarms(_ port: Int) async throws -> [String] {
        let alarms = try await request(port, "GET", "/api/v1/cluster").json["alarms"]?.arrayValue ?? []
        return alarms.filter { $0["alarm"] == .string("log_disk") }.compactMap { $0["member"]?.stringValue }
    }

    fileprivate func availability(of name: String, asSeenBy port: Int) async throws -> String? {
        try await member(name, asSeenBy: port)?["availability"]?.stringValue
    }

    fileprivate func health(of component: String, at port: Int) async throws -> String? {
        let components = try await request(port, "GET", "/api/v1/health").json["components"]?.arrayValue ?? []
        return components.first { $0["name"]?.stringValue == component }?["status"]?.stringValue
    }

    /// From its next start on the node's data lies on a file system of its own that has room for the log as it is, but not for another
    /// segment. It lives as long as the process.
    fileprivate func moveToSmallDisk(_ node: String) throws {
        let home = "\(folder)/nodes/\(node)"
        try FileManager.default.moveItem(atPath: "\(home)/data", toPath: "\(home)/saved")
        try FileManager.default.createDirectory(atPath: "\(home)/data", withIntermediateDirectories: false)
        let program = """
            #!/bin/sh
            exec unshare --mount sh -c '
              rm -f "$0"/saved/*.spare
              mount -t tmpfs -o size=$(($(du -sm "$0/saved" | cut -f1) + 16))m amas "$0/data" &&
              cp -a "$0/saved/." "$0/data" && exec "$@"' '\(home)' '\(folder)/amas' "$@"
            """
        try program.write(toFile: "\(home)/amas", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: "\(home)/amas")
    }

    fileprivate func enlargeDisk(of node: String) async throws {
        let home = "\(folder)/nodes/\(node)"
        let pid = try String(contentsOfFile: "\(home)/pid", encoding: .utf8)
        try await Script.run(["nsenter", "-t", pid, "-m", "mount", "-o", "remount,size=400m", "\(home)/data"])
    }
}
