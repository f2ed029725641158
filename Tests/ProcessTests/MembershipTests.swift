import Agents
import Foundation
import Testing

/// The members change while clients work: the cluster grows, replaces a node, loses a folder, and shrinks again.
extension ProcessTests {
    @Test("from three nodes to five, one replaced, back to three: nobody behind the balancer notices")
    func membersChange() async throws {
        try await ClusterProcesses.run { cluster in
            let load = Load(cluster)
            try await load.run(throughBalancer: 3, toEachNode: 0, paceMilliseconds: 60) {
                func work() async throws {
                    let before = load.acceptedCount
                    try await until("more tasks") { load.acceptedCount >= before + 60 }
                }
                try await work()
                for number in [4, 5] {
                    try await cluster.join("node\(number)")
                    try await cluster.amas("cluster", "add", "\(number)", "--peer", cluster.peer(number))
                    guard number == 4 else { continue }
                    // Another node than the one that answered may be asked, which hears of it a moment later.
                    try await until("everybody knows") {
                        try await cluster.waits(for: "node4 has caught up, and votes when another has")
                    }
                }
                try await cluster.amas("cluster", "promote", "5")
                #expect(try await cluster.voters() == [1, 2, 3, 4, 5])
                try await work()

                try await cluster.join("node6")
                try await cluster.amas(
                    "cluster", "replace", "3", "--with", "6", "--peer", cluster.peer(6))
                #expect(try await cluster.voters() == [1, 2, 4, 5, 6])
                try await until("who was replaced ends") { !cluster.isRunning("node3") }
                #expect(try cluster.lastWords(of: "node3").contains("removed from the cluster"))
                try await work()

                // A founder loses its folder while one leads that it never knew: it is kept out until that is accepted, then it
                // votes again.
                try await cluster.amas("cluster", "transfer-leadership", "6")
                try await cluster.kill("node1", "KILL")
                let incarnation = try await cluster.wipe("node1")
                // It may end before it answers, and then `start` says so.
                try? await cluster.start("node1")
                try await until("the wiped node ends") { !cluster.isRunning("node1") }
                #expect(try cluster.lastWords(of: "node1").contains("amas cluster replace 1"))
                async let vote: Void = cluster.amas("cluster", "replace", "1", "--incarnation", incarnation)
                try await until("it may come back") { try await cluster.waits(for: "node1 is not reached") }
                try await cluster.start("node1")
                try await vote
                #expect(try await cluster.voters() == [1, 2, 4, 5, 6])
                try await work()

                // The leader goes as well as a follower.
                let leader = try await cluster.leader()
                let leaving = [Int(leader.dropFirst(4)) ?? 1] + [1, 2, 4].filter { "node\($0)" != leader }.prefix(1)
                for number in leaving { try await cluster.amas("cluster", "remove", "\(number)") }
                #expect(try await cluster.voters().count == 3)
                try await work()
            }
            #expect(load.report.failedThroughBalancer == [])
            #expect(load.report.contradictions == [])
            print("\(load.report.accepted.count) tasks, \(load.report.answeredThroughBalancer) answers, 0 failures")
        }
    }
}

extension ClusterProcesses {
    fileprivate func join(_ node: String) async throws {
        try await Script.run([Self.script("start"), node, "--join", "--data", folder])
    }

    fileprivate func peer(_ number: Int) -> String { "127.0.0.1:\(balancerPort + 20 + number)" }

    fileprivate func amas(_ arguments: String...) async throws {
        try await Script.run(
            ["\(folder)/amas"] + arguments + ["--timeout", "120"],
            environment: ["AMAS_URL": "http://127.0.0.1:\(balancerPort)", "AMAS_TOKEN": token])
    }

    /// Takes a node's folder away and makes a new one.
    /// - Returns: the new one's incarnation.
    fileprivate func wipe(_ node: String) async throws -> String {
        try await until("\(node) is gone") { !isRunning(node) }
        try FileManager.default.removeItem(atPath: "\(folder)/nodes/\(node)/data")
        let output = try await Script.run(["\(folder)/amas", "init", "--config", "\(folder)/nodes/\(node)/amas.yaml"])
        let line = try #require(output.split(separator: "\n").last { $0.hasPrefix("incarnation ") })
        return String(line.dropFirst("incarnation ".count))
    }

    fileprivate func isRunning(_ node: String) -> Bool {
        guard let pid = try? String(contentsOfFile: "\(folder)/nodes/\(node)/pid", encoding: .utf8),
            let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
        else { return false }
        return !line.isEmpty
    }

    fileprivate func lastWords(of node: String) throws -> String {
        let critical = try log(of: node).last { $0["level"] == .string("critical") }
        return critical?["metadata"]?["reason"]?.stringValue ?? ""
    }

    fileprivate func waits(for reason: String) async throws -> Bool {
        let members = try await request(balancerPort, "GET", "/api/v1/cluster").json["members"]?.arrayValue ?? []
        return members.contains { $0["waits_for"] == .string(reason) }
    }

    fileprivate func voters() async throws -> [Int] {
        let members = try await request(balancerPort, "GET", "/api/v1/cluster").json["members"]?.arrayValue ?? []
        return members.filter { $0["role"] == .string("voter") }.compactMap { member in
            if case .integer(let id)? = member["member_id"] { Int(id) } else { nil }
        }
    }
}
