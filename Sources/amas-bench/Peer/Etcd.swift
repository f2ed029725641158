import Egress
import FoundationEssentials
import Logging

/// Three members of etcd on loopback, as `cluster/lib/etcd.sh` has prepared them: member `i` answers gRPC over TLS on port
/// `port + 10 i`, and its JSON gateway without on the port after that.
struct Etcd: Sendable {
    struct Status: Decodable {
        struct Header: Decodable {
            var member_id: String
            var revision: String
        }

        var header: Header
        var leader: String?
        var raftAppliedIndex: String?

        var revision: Int { Int(header.revision) ?? 0 }
        var appliedIndex: Int { Int(raftAppliedIndex ?? "") ?? 0 }
    }

    let members: Members
    let name: String
    private let port: Int
    private let client: EgressClient

    init(folder: String, port: Int, name: String) throws {
        members = Members(folder: folder)
        self.name = name
        self.port = port
        var policy = EgressPolicy()
        policy.operatorEndpoints = Set(try members.ids.map { try Self.gateway(port, $0).endpoint })
        var configuration = EgressConfiguration()
        // Requests that etcd leaves unanswered for seconds keep none of the next from being sent.
        configuration.limits.concurrentTransfers = Self.requestsUnderWay
        configuration.limits.concurrentTransfersPerEndpoint = Self.requestsUnderWay
        client = EgressClient(
            configuration: configuration, policy: policy,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Ten seconds' requests of 16 clients.
    private static let requestsUnderWay = 4096

    private static func gateway(_ port: Int, _ id: Int) throws -> EgressURL {
        try EgressURL("http://127.0.0.1:\(port + 10 * id + 1)")
    }

    func secureURL(of id: Int) -> String { "https://127.0.0.1:\(port + 10 * id)" }

    private func post(_ id: Int, _ path: String, _ body: String, within limit: Duration) async throws -> EgressReply {
        let url = try Self.gateway(port, id)
        return try await client.collect(
            EgressRequest(
                .post, try url.appending(path: path), for: .operatorConfigured(url.endpoint),
                headers: [HTTPHeader("content-type", "application/json")], body: Array(body.utf8),
                deadlines: EgressDeadlines(firstByte: limit, total: limit)))
    }

    func status(of id: Int) async -> Status? {
        guard let reply = try? await post(id, "/v3/maintenance/status", "{}", within: .seconds(1)), reply.status == 200
        else { return nil }
        return try? JSONDecoder().decode(Status.self, from: Data(reply.body))
    }

    /// Whether a small value was committed.
    func put(at id: Int, within limit: Duration) async -> Bool {
        let reply = try? await post(id, "/v3/kv/put", #"{"key":"Zm8=","value":"Zm8="}"#, within: limit)
        return reply?.status == 200
    }

    /// Forgets all values but the last, as our members do, and gives back the room that they took.
    func forgetHistory() async throws {
        let revision = await status(of: try await leader())?.revision ?? 0
        let limit = Duration.seconds(300)
        let compacted = try await post(
            members.ids[0], "/v3/kv/compaction", #"{"revision":"\#(revision)","physical":true}"#, within: limit)
        guard compacted.status == 200 else {
            throw BenchmarkFailure(
                description: "\(name) does not compact: \(String(decoding: compacted.body, as: UTF8.self))")
        }
        for id in members.ids { _ = try await post(id, "/v3/maintenance/defragment", "{}", within: limit) }
    }

    /// The leader, once every member answers writes.
    func leader() async throws -> Int {
        for _ in 0..<600 {
            var leader: Int?
            var writable = 0
            for id in members.ids {
                guard let status = await status(of: id), await put(at: id, within: .seconds(2)) else { continue }
                writable += 1
                if status.leader == status.header.member_id { leader = id }
            }
            if writable == members.ids.count, let leader { return leader }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw BenchmarkFailure(description: "\(name) did not become ready; see \(members.folder)")
    }
}
