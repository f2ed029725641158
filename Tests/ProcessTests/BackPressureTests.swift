import Agents
import LoopbackClient
import Synchronization
import Testing

/// More is asked for than the cluster can take.
extension ProcessTests {
    @Test(
        "while the followers' disks stand still clients get 503 before the leader's queues outgrow their limits, and all goes on afterwards",
        .enabled(if: StalledDisk.obstacle == nil, "halts a thread of another process, for which it may have to be root")
    )
    func floodWhileNothingCommits() async throws {
        let limit = 4 << 20
        let environment = ["AMAS_CLUSTER_OUTSTANDING_MEGABYTES": "\(limit >> 20)"]
        try await ClusterProcesses.run(environment: environment) { cluster in
            let leader = try await cluster.leader()
            let flood = Flood(cluster, port: cluster.port(of: leader))
            try await StalledDisk.run(of: cluster.nodes.map(\.name).filter { $0 != leader }, in: cluster) {
                try await flood.run(requests: 60)
            }
            let refused = flood.answers.filter { $0.json["type"]?.stringValue?.hasSuffix("/overloaded") == true }
            #expect(refused.count >= 20, "more was asked for than there is room for")
            #expect(refused.allSatisfy { $0.status == 503 && $0.headers["retry-after"] != nil })
            // Those under way when the limit is reached are let in.
            let waiting = flood.greatest["amas_raft_proposals_pending_bytes"] ?? 0
            #expect(waiting > Double(Flood.bodyBytes), "nothing ever waited")
            #expect(waiting <= Double(limit + 4 * Flood.bodyBytes))
            #expect(flood.greatest["amas_raft_uncommitted_bytes"] ?? 0 <= Double(64 << 20))
            try await cluster.waitUntilReady()
            let again = try await cluster.request(cluster.balancerPort, "POST", "/api/v1/tasks", body: Load.small(0))
            #expect(again.status == 201)
            try await until("nothing waits any more") {
                try await cluster.metric("amas_raft_proposals_pending_bytes", at: flood.port) == 0
            }
        }
    }
}

/// Large requests to one node, all at once, and the greatest that its queues were meanwhile.
private final class Flood: Sendable {
    /// In strings, of which each may have 64 KiB.
    static let bodyBytes = 180 << 10

    let port: Int
    private let cluster: ClusterProcesses
    private let replies = Mutex<[HTTPReply]>([])
    private let figures = Mutex<[String: Double]>([:])

    init(_ cluster: ClusterProcesses, port: Int) {
        (self.cluster, self.port) = (cluster, port)
    }

    var answers: [HTTPReply] { replies.withLock { $0 } }
    var greatest: [String: Double] { figures.withLock { $0 } }

    func run(requests: Int) async throws {
        // Incompressible: what counts is what is in the log.
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_".utf8)
        let strings = (0..<3).map { _ in
            String(decoding: (0..<(Self.bodyBytes / 3)).map { _ in letters[Int.random(in: 0..<64)] }, as: UTF8.self)
        }
        let noise = strings.map { "\"\($0)\"" }.joined(separator: ",")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<requests { group.addTask { try await self.ask(number, noise) } }
            group.addTask { while self.answers.count < requests { try await self.look() } }
            try await group.waitForAll()
        }
    }

    private func ask(_ number: Int, _ noise: String) async throws {
        let body = """
            {"title":"\(number)","task_type":"code_analysis","auto_execute":false,"parameters":{"noise":[\(noise)]}}
            """
        let reply = try await cluster.request(
            port, "POST", "/api/v1/tasks", ["Idempotency-Key": "flood-\(number)"], body: body)
        replies.withLock { $0.append(reply) }
    }

    private func look() async throws {
        for name in ["amas_raft_proposals_pending_bytes", "amas_raft_uncommitted_bytes"] {
            guard let value = try await cluster.metric(name, at: port) else { continue }
            figures.withLock { $0[name] = max($0[name] ?? 0, value) }
        }
    }
}
