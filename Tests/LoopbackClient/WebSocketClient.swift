/// A WebSocket client that a test can also make misbehave.
public final class WebSocketClient {
    public struct Frame: Sendable {
        public var opcode: UInt8
        public var payload: [UInt8]

        /// Of a close frame.
        public var closeCode: Int? {
            opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
        }
    }

    /// The server did not take the connection.
    public struct Refused: Error, Sendable {
        public var reply: HTTPReply
    }

    public let connection: RawConnection

    private init(_ connection: RawConnection) {
        self.connection = connection
    }

    /// Takes over a connection on which nothing has been sent.
    /// - Throws: `Refused`, `ConnectionEnded`.
    public static func open(
        _ connection: RawConnection, path: String = "/api/v1/ws", key: String?
    ) async throws -> WebSocketClient {
        let reply = try await connection.request("GET", path, handshake, key: key)
        // The example of RFC 6455 §1.3.
        guard reply.status == 101, reply.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" else {
            throw Refused(reply: reply)
        }
        return WebSocketClient(connection)
    }

    public static let handshake = [
        "Upgrade": "websocket", "Connection": "keep-alive, Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ]

    // MARK: Out

    public func send(_ text: String) async throws { try await send(opcode: 1, Array(text.utf8)) }

    public func send(opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, isMasked: Bool = true) async throws {
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

    /// Asks for a channel, from a point on if one is given.
    public func requestSubscription(_ channel: String, since: (epoch: String, offset: String)?) async throws {
        let point = since.map { #","since":{"epoch":"\#($0.epoch)","offset":"\#($0.offset)"}"# } ?? ""
        try await send(#"{"type":"subscribe","channel":"\#(channel)"\#(point)}"#)
    }

    // MARK: In

    /// The next frame of any kind; nil at the end.
    public func frame() async -> Frame? {
        guard let head = await connection.read(2) else { return nil }
        var length = Int(head[1] & 127)
        if length >= 126 {
            guard let bytes = await connection.read(length == 126 ? 2 : 8) else { return nil }
            length = bytes.reduce(0) { $0 << 8 | Int($1) }
        }
        guard let payload = await connection.read(length) else { return nil }
        return Frame(opcode: head[0] & 15, payload: payload)
    }

    /// The next frame that is no ping; those are answered.
    public func message() async throws -> Frame? {
        while let frame = await frame() {
            guard frame.opcode == 9 else { return frame }
            try await send(opcode: 10, frame.payload)
        }
        return nil
    }

    /// Reads on until the server closes; its code.
    public func closeCode() async -> Int? {
        while let frame = await frame() { if frame.opcode == 8 { return frame.closeCode } }
        return nil
    }
}
