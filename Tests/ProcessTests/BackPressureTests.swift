import Agents
import Foundation
import LoopbackClient
import Synchronization
import Testing

/// More is asked for than the cluster can take.
extension ProcessTests {
    @Test(
        "while nothing commits clients get 503 before what waits outgrows its limit, and all goes on afterwards",
        .enabled(if: StalledDisk.obstacle == nil, "halts a thread of another process, for which it may have to be root")
    )
    func floodWhileNothingCommits() async throws {
        let limitBytes = 1 << 20
        let environment = ["AMAS_CLUSTER_OUTSTANDING_MEGABYTES": "\(limitBytes >> 20)"]
        try await ClusterProcesses.run(environment: environment) { cluster in
            let leader = try await cluster.leader()
            let flood = Flood(cluster, port: cluster.port(of: leader))
            try await flood.run {
                let followers = cluster.nodes.map(\.name).filter { $0 != leader }
                try await StalledDisk.run(of: followers, in: cluster) {
                    try await until("most are refused") {
                        try #require(flood.seen.complaints == [])
                        return flood.seen.refused * Flood.bodyBytes >= 10 * limitBytes
                    }
                }
                try await until("they are served again") { flood.seen.accepted >= Flood.clients }
            }
            let seen = flood.seen
            #expect(seen.complaints == [])
            #expect(seen.waitingBytes > Flood.bodyBytes, "nothing ever waited")
            // Those under way when the limit is reached are let in: one on each thread.
            let threads = ProcessInfo.processInfo.activeProcessorCount
            #expect(seen.waitingBytes <= limitBytes + (threads + 1) * Flood.bodyBytes)
            try await until("nothing waits any more") { try await flood.waitingBytes() == 0 }
            print(
                """
                \(seen.refused) refused and \(seen.accepted) accepted of \(Flood.bodyBytes) bytes each; at most \
                \(seen.waitingBytes) bytes waited, \(seen.residentBytes >> 20) MiB were resident
                """)
        }
    }
}

/// Clients that ask one node for large things, again as soon as they are answered, and how much waits there meanwhile.
private final class Flood: Sendable {
    struct Seen: Sendable {
        var accepted = 0
        /// With a word on when to come again.
        var refused = 0
        var complaints: [String] = []
        /// At most, of the node's proposals.
        var waitingBytes = 0
        var residentBytes = 0
    }

    static let clients = 60
    static let bodyBytes = 60 << 10
    private let cluster: ClusterProcesses
    private let port: Int
    private let state = Mutex(Seen())
    private let isOver = Mutex(false)
    /// Incompressible: what counts is what is in the log.
    private let noise: String

    init(_ cluster: ClusterProcesses, port: Int) {
        (self.cluster, self.port) = (cluster, port)
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_".utf8)
        noise = String(
            decoding: (0..<Self.bodyBytes).map { _ in letters[Int.random(in: 0..<letters.count)] }, as: UTF8.self)
    }

    var seen: Seen { state.withLock { $0 } }

    func waitingBytes() async throws -> Int {
        Int(try await cluster.metric("amas_raft_proposals_pending_bytes", at: port) ?? 0)
    }

    /// For the time of `body`, and until all are answered.
    func run(_ body: () async throws -> Void) async throws {
        let clients = Task {
            await withTaskGroup(of: Void.self) { group in
                for client in 0..<Self.clients { group.addTask { await self.ask(client) } }
                group.addTask { await self.watch() }
            }
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        isOver.withLock { $0 = true }
        await clients.value
        try result.get()
    }

    private func ask(_ client: Int) async {
        var number = 0
        while isOver.withLock({ !$0 }) {
            number += 1
            let body = """
                {"title":"flood","task_type":"code_analysis","auto_execute":false,"parameters":{"code":"\(noise)"}}
                """
            let reply = try? await cluster.request(
                port, "POST", "/api/v1/tasks", ["Idempotency-Key": "flood-\(client)-\(number)"], body: body)
            let problem = reply?.json["type"]?.stringValue ?? ""
            state.withLock { seen in
                switch reply?.status {
                case 201?: seen.accepted += 1
                case 503? where problem.hasSuffix("/overloaded") && reply?.headers["retry-after"] != nil:
                    seen.refused += 1
                // One that was let in, and waited as long as a request is held.
                case 503? where problem.hasSuffix("/outcome_unknown"): break
                case let status: seen.complaints.append("\(status ?? 0) \(reply?.text ?? "no answer")")
                }
            }
        }
    }

    private func watch() async {
        while isOver.withLock({ !$0 }) {
            guard let waiting = try? await waitingBytes(),
                let resident = try? await cluster.metric("process_resident_memory_bytes", at: port)
            else { continue }
            state.withLock { seen in
                seen.waitingBytes = max(seen.waitingBytes, waiting)
                seen.residentBytes = max(seen.residentBytes, Int(resident))
            }
        }
    }
}
