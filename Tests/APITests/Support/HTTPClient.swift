import Testing

@testable import API

/// What came back.
struct Reply {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
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
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: String? = nil,
        key: String? = TestNode.key
    ) async throws -> Reply {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        if let key { head += "Authorization: Bearer \(key)\r\n" }
        if let body {
            head += "Content-Length: \(body.utf8.count)\r\n"
            if headers["Content-Type"] == nil { head += "Content-Type: application/json\r\n" }
        }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        try await send(head + "\r\n" + (body ?? ""))
        return try #require(await response(hasBody: method != "HEAD"))
    }

    func response(hasBody: Bool = true) async -> Reply? {
        var end = 0
        while true {
            if let range = buffer.firstRange(of: Array("\r\n\r\n".utf8)) {
                end = range.upperBound
                break
            }
            guard await readMore() else { return nil }
        }
        let lines = String(decoding: take(end), as: UTF8.self).split(separator: "\r\n")
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count == 2 ? parts[1].trimmed : ""
        }
        let length = hasBody && status != 304 && status != 204 ? Int(headers["content-length"] ?? "0") ?? 0 : 0
        guard status != 100 else { return await response(hasBody: hasBody) }
        guard let body = await read(length) else { return nil }
        return Reply(status: status, headers: headers, body: body)
    }
}

extension TestNode {
    func request(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: String? = nil,
        key: String? = TestNode.key
    ) async throws -> Reply {
        let connection = try await RawConnection.open(port: port)
        defer { connection.close() }
        return try await connection.request(method, path, headers, body: body, key: key)
    }

    /// Waits until the metrics contain a line.
    func until(_ line: String) async throws {
        for _ in 0..<5000 {
            if try await get("/metrics").text.contains(line) { return }
        }
        Issue.record("the metrics never said \(line)")
    }

    func get(_ path: String, _ headers: [String: String] = [:]) async throws -> Reply {
        try await request("GET", path, headers)
    }

    func post(_ path: String, _ body: String, _ headers: [String: String] = [:]) async throws -> Reply {
        try await request("POST", path, headers, body: body)
    }
}
