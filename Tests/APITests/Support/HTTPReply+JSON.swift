import LoopbackClient
import Testing

@testable import API

extension HTTPReply {
    var problem: String? { json["type"]?.stringValue?.split(separator: "/").last.map(String.init) }

    /// Null where the body is no JSON.
    var json: JSONNode {
        (try? JSONReader.read(body)) ?? JSONNode(value: .null, range: 0..<0)
    }

    /// The fields that a problem names.
    var fields: [String] {
        guard case .array(let errors)? = json["errors"]?.value else { return [] }
        return errors.compactMap { $0["field"]?.stringValue }
    }
}

extension JSONNode {
    var integer: Int64? {
        guard case .integer(let number) = value else { return nil }
        return number
    }

    var array: [JSONNode]? {
        guard case .array(let elements) = value else { return nil }
        return elements
    }

    var isNull: Bool { if case .null = value { true } else { false } }
    var bool: Bool? { if case .bool(let flag) = value { flag } else { nil } }
}

extension RawConnection {
    func request(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: String? = nil
    ) async throws -> HTTPReply {
        try await request(method, path, headers, body: body, key: TestNode.key)
    }
}

extension TestNode {
    func request(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: String? = nil,
        key: String? = TestNode.key
    ) async throws -> HTTPReply {
        let connection = try await RawConnection.open(port: port)
        defer { connection.close() }
        return try await connection.request(method, path, headers, body: body, key: key)
    }

    /// Waits until the metrics contain a line.
    func until(_ line: String) async throws {
        let limit = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < limit {
            if try await get("/metrics").text.contains(line) { return }
        }
        Issue.record("the metrics never said \(line)")
    }

    func get(_ path: String, _ headers: [String: String] = [:]) async throws -> HTTPReply {
        try await request("GET", path, headers)
    }

    func post(_ path: String, _ body: String, _ headers: [String: String] = [:]) async throws -> HTTPReply {
        try await request("POST", path, headers, body: body)
    }
}
