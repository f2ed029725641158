import Agents
import LoopbackClient

extension HTTPReply {
    /// Null where the body is no JSON.
    var json: JSONValue { (try? AgentJSON.decode(JSONValue.self, from: body)) ?? .null }
}

/// What a node says of the cluster.
struct ClusterView: Equatable {
    var leader: String?
    var term: Int64
    var isReady: Bool
    var applied: Int64
    var last: Int64
    var hash: String
    var unfinished: Int64
    var unpersisted: Int64

    init?(_ reply: HTTPReply) {
        let json = reply.json
        guard reply.status == 200, let hash = json["state_hash"]?.stringValue else { return nil }
        func count(_ name: String) -> Int64 { json["tasks"]?[name]?.integerValue ?? 0 }
        self.hash = hash
        leader = json["leader"]?.stringValue
        term = json["term"]?.integerValue ?? 0
        isReady = json["ready"] == .bool(true)
        applied = json["indices"]?["applied"]?.integerValue ?? 0
        last = json["indices"]?["last"]?.integerValue ?? 0
        unfinished = ["pending", "assigned", "executing", "waiting_approval", "cancelling"].reduce(0) { $0 + count($1) }
        unpersisted = count("unpersisted")
    }
}

extension ClusterProcesses {
    /// One request on a connection of its own.
    func request(
        _ port: Int, _ method: String, _ path: String, _ headers: [String: String] = [:], body: String? = nil
    ) async throws -> HTTPReply {
        let connection = try await RawConnection.open(port: port)
        defer { connection.close() }
        return try await connection.request(method, path, headers, body: body, key: token)
    }

    /// Nil if the node does not answer.
    func view(_ port: Int) async -> ClusterView? {
        guard let reply = try? await request(port, "GET", "/api/v1/cluster") else { return nil }
        return ClusterView(reply)
    }

    /// What a node says of a member; nil if it knows none of that name.
    func member(_ name: String, asSeenBy port: Int) async throws -> JSONValue? {
        let members = try await request(port, "GET", "/api/v1/cluster").json["members"]?.arrayValue ?? []
        return members.first { $0["name"]?.stringValue == name }
    }

    /// The leader that a majority of the nodes names.
    func leader() async throws -> String {
        try await eventually("a leader") {
            var votes: [String: Int] = [:]
            for port in ports {
                if let leader = await view(port)?.leader { votes[leader, default: 0] += 1 }
            }
            return votes.first { $0.value > nodes.count / 2 }?.key
        }
    }

    /// Whether one of the other nodes has a leader that is not this one.
    func hasSuccessor(_ node: String) async -> Bool {
        for other in nodes where other.name != node {
            if let leader = await view(other.port)?.leader, leader != node { return true }
        }
        return false
    }

    func waitUntilReady() async throws {
        for node in nodes {
            try await until("\(node.name) is ready") { await view(node.port)?.isReady == true }
        }
    }

    /// Waits until nothing is left to do: every task has ended and PostgreSQL has all of them.
    func waitUntilQuiet(seconds: Int = 240) async throws {
        try await until("everything is done and written", seconds: seconds) {
            guard let view = await view(balancerPort) else { return false }
            return view.unfinished == 0 && view.unpersisted == 0
        }
    }

    /// Waits until all nodes stand at the same entry, and tells which, and the hashes that they have there.
    func hashesAtOneIndex() async throws -> (index: Int64, hashes: Set<String>) {
        try await eventually("all nodes at one entry") {
            var views: [ClusterView] = []
            for port in ports { if let view = await view(port) { views.append(view) } }
            guard views.count == nodes.count, let index = views.first?.applied,
                views.allSatisfy({ $0.applied == index })
            else { return nil }
            return (index, Set(views.map(\.hash)))
        }
    }

    /// The value of a sample, named with its labels as it is written; nil if there is none.
    func metric(_ name: String, at port: Int) async throws -> Double? {
        let text = try await request(port, "GET", "/metrics").text
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Double($0.dropFirst(name.count + 1)) }
    }
}
