import Testing

@testable import API

/// A WebSocket client that a test can also make misbehave.
final class SocketClient {
    struct Frame {
        var opcode: UInt8
        var payload: [UInt8]

        /// Of a close frame.
        var closeCode: Int? {
            opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
        }
    }

    let connection: RawConnection

    private init(_ connection: RawConnection) {
        self.connection = connection
    }

    static func open(
        _ node: TestNode, path: String = "/api/v1/ws", receiveBufferBytes: Int? = nil
    ) async throws -> SocketClient {
        let connection = try await RawConnection.open(port: node.port, receiveBufferBytes: receiveBufferBytes)
        return try await open(connection, path: path)
    }

    static func open(_ connection: RawConnection, path: String = "/api/v1/ws") async throws -> SocketClient {
        let reply = try await connection.request("GET", path, handshake)
        #expect(reply.status == 101)
        // The example of RFC 6455 §1.3.
        #expect(reply.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        return SocketClient(connection)
    }

    static let handshake = [
        "Upgrade": "websocket", "Connection": "keep-alive, Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ]

    // MARK: Out

    func send(_ text: String) async throws { try await send(opcode: 1, Array(text.utf8)) }

    func send(opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, isMasked: Bool = true) async throws {
        var frame: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
        let mask: UInt8 = isMasked ? 0x80 : 0
        if payload.count < 126 {
            frame.append(mask | UInt8(payload.count))
        } else if payload.count < 65_536 {
            frame += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        } else {
            frame.append(mask | 127)
            for shift in stride(from: 56, through: 0, by: -8) { frame.append(UInt8(payload.count >> shift & 255)) }
        }
        let key: [UInt8] = [1, 2, 3, 4]
        if isMasked { frame += key }
        frame += isMasked ? payload.enumerated().map { $1 ^ key[$0 % 4] } : payload
        try await connection.send(frame)
    }

    // MARK: In

    /// The next frame of any kind; nil at the end.
    func frame() async -> Frame? {
        guard let head = await connection.read(2) else { return nil }
        var length = Int(head[1] & 127)
        if length >= 126 {
            guard let bytes = await connection.read(length == 126 ? 2 : 8) else { return nil }
            length = bytes.reduce(0) { $0 << 8 | Int($1) }
        }
        guard let payload = await connection.read(length) else { return nil }
        return Frame(opcode: head[0] & 15, payload: payload)
    }

    /// The next message that is no heartbeat; pings are answered.
    func message() async throws -> JSONNode {
        while true {
            let frame = try #require(await frame(), "the socket ended")
            switch frame.opcode {
            case 9: try await send(opcode: 10, frame.payload)
            case 1:
                let node = try JSONReader.read(frame.payload)
                if node["type"]?.stringValue == "heartbeat" { continue }
                return node
            default:
                Issue.record("unexpected frame \(frame.opcode) with code \(frame.closeCode ?? 0)")
                return JSONNode(value: .null, range: 0..<0)
            }
        }
    }

    /// Sends a subscription and returns what answers it.
    func subscribe(_ channel: String, since: (epoch: String, offset: String)? = nil) async throws -> JSONNode {
        let point = since.map { #","since":{"epoch":"\#($0.epoch)","offset":"\#($0.offset)"}"# } ?? ""
        try await send(#"{"type":"subscribe","channel":"\#(channel)"\#(point)}"#)
        return try await message()
    }

    /// The next `count` events, as name and offset.
    func events(_ count: Int) async throws -> [Seen] {
        var seen: [Seen] = []
        while seen.count < count { seen.append(Seen(try await message())) }
        return seen
    }

    /// Reads on until the server closes; its code.
    func closeCode() async -> Int? {
        while let frame = await frame() { if frame.opcode == 8 { return frame.closeCode } }
        return nil
    }

    struct Seen: Equatable {
        var event: String
        var offset: String
        var task: String

        init(_ node: JSONNode) {
            event = node["event"]?.stringValue ?? node["type"]?.stringValue ?? ""
            offset = node["offset"]?.stringValue ?? ""
            task = node["task_id"]?.stringValue ?? ""
        }
    }
}
