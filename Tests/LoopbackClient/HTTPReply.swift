/// What came back for a request.
public struct HTTPReply: Sendable {
    public var status: Int
    /// Names in lower case.
    public var headers: [String: String]
    public var body: [UInt8]

    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// The connection ended before the whole reply was there.
public struct ConnectionEnded: Error, Sendable {}

extension RawConnection {
    /// One request and its reply on a connection that stays open.
    /// - Parameter key: the API key; nil sends none.
    /// - Throws: `ConnectionEnded`, or what sending throws.
    public func request(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: String? = nil, key: String?
    ) async throws -> HTTPReply {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
        if let key { head += "Authorization: Bearer \(key)\r\n" }
        if let body {
            head += "Content-Length: \(body.utf8.count)\r\n"
            if headers["Content-Type"] == nil { head += "Content-Type: application/json\r\n" }
        }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        try await send(head + "\r\n" + (body ?? ""))
        guard let reply = await response(hasBody: method != "HEAD") else { throw ConnectionEnded() }
        return reply
    }

    /// The next reply; nil at the end of the connection.
    public func response(hasBody: Bool = true) async -> HTTPReply? {
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
            let value = parts.count == 2 ? parts[1].drop { $0 == " " } : ""
            headers[parts[0].lowercased()] = String(value)
        }
        let length = hasBody && status != 304 && status != 204 ? Int(headers["content-length"] ?? "0") ?? 0 : 0
        guard status != 100 else { return await response(hasBody: hasBody) }
        guard let body = await read(length) else { return nil }
        return HTTPReply(status: status, headers: headers, body: body)
    }
}
