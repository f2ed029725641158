import Egress
import FoundationEssentials
import Glibc
import Logging

/// A cluster as `cluster/up` left it: where it is, how to ask it, and how to break it.
struct BenchedCluster: Sendable {
    struct View: Decodable {
        var leader: String?
        var ready: Bool
    }

    let folder: String
    let startScript: String
    let balancer: EgressURL
    let nodes: [EgressURL]
    private let token: Secret
    private let client: EgressClient

    init(folder: String, startScript: String) throws {
        self.folder = folder
        self.startScript = startScript
        let values = try Self.environment(of: folder)
        balancer = try EgressURL(values["AMAS_URL"] ?? "")
        nodes = try (values["AMAS_NODES"] ?? "").split(separator: ",").map { try EgressURL(String($0)) }
        token = Secret(values["AMAS_TOKEN"] ?? "")
        var policy = EgressPolicy()
        policy.operatorEndpoints = Set(([balancer] + nodes).map(\.endpoint))
        client = EgressClient(policy: policy, logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func environment(of folder: String) throws -> [String: String] {
        let lines = try String(contentsOfFile: folder + "/cluster.env", encoding: .utf8).split(separator: "\n")
        return Dictionary(
            lines.map { line in
                let parts = line.split(separator: "=", maxSplits: 1)
                return (String(parts[0]), parts.count == 2 ? String(parts[1]) : "")
            }, uniquingKeysWith: { $1 })
    }

    func request(
        _ method: HTTPMethod, _ url: EgressURL, _ path: String, headers: [HTTPHeader] = [], body: [UInt8] = []
    ) async throws -> EgressReply {
        let headers = headers + [HTTPHeader("authorization", prefix: "Bearer ", secret: token)]
        return try await client.collect(
            EgressRequest(
                method, try url.appending(path: path), for: .operatorConfigured(url.endpoint), headers: headers,
                body: body,
                deadlines: EgressDeadlines(firstByte: .seconds(60), total: .seconds(60))))
    }

    private func view(_ url: EgressURL) async -> View? {
        guard let reply = try? await request(.get, url, "/api/v1/cluster"), reply.status == 200 else { return nil }
        return try? JSONDecoder().decode(View.self, from: Data(reply.body))
    }

    /// The leader that a majority names, once every node is ready.
    func leader() async throws -> String {
        for _ in 0..<1200 {
            var votes: [String: Int] = [:]
            var ready = 0
            for node in nodes {
                guard let view = await view(node) else { continue }
                if view.ready { ready += 1 }
                if let leader = view.leader { votes[leader, default: 0] += 1 }
            }
            if ready == nodes.count, let (leader, count) = votes.max(by: { $0.value < $1.value }), count == nodes.count
            {
                return leader
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchmarkFailure(description: "the nodes did not become ready and agree on a leader")
    }

    func signal(_ node: String, _ signal: Int32) throws {
        let text = try String(contentsOfFile: "\(folder)/nodes/\(node)/pid", encoding: .utf8)
        guard let pid = pid_t(text.trimmingPrefix(while: \.isWhitespace)), pid > 1, Glibc.kill(pid, signal) == 0 else {
            throw BenchmarkFailure(description: "\(node) does not run")
        }
    }

    /// Starts a node again; `leader()` waits until it is ready.
    func restart(_ node: String) async throws {
        _ = try await Shell.run("'\(startScript)' '\(node)' --data '\(folder)' 2>&1 < /dev/null")
    }
}
