import LoopbackClient
import Testing

@testable import API

extension WebSocketClient {
    static func open(
        _ node: TestNode, path: String = "/api/v1/ws", receiveBufferBytes: Int? = nil
    ) async throws -> WebSocketClient {
        let connection = try await RawConnection.open(port: node.port, receiveBufferBytes: receiveBufferBytes)
        return try await open(connection, path: path)
    }

    static func open(_ connection: RawConnection, path: String = "/api/v1/ws") async throws -> WebSocketClient {
        try await open(connection, path: path, key: TestNode.key)
    }

    /// The next text that is no heartbeat.
    func nextMessage() async throws -> JSONNode {
        while true {
            let frame = try #require(try await message(), "the socket ended")
            guard frame.opcode == 1 else {
                Issue.record("unexpected frame \(frame.opcode) with code \(frame.closeCode ?? 0)")
                return JSONNode(value: .null, range: 0..<0)
            }
            let node = try JSONReader.read(frame.payload)
            if node["type"]?.stringValue != "heartbeat" { return node }
        }
    }

    /// Sends a subscription and returns what answers it.
    func subscribe(_ channel: String, since: (epoch: String, offset: String)? = nil) async throws -> JSONNode {
        try await requestSubscription(channel, since: since)
        return try await nextMessage()
    }

    /// The next `count` events, as name and offset.
    func events(_ count: Int) async throws -> [Seen] {
        var seen: [Seen] = []
        while seen.count < count { seen.append(Seen(try await nextMessage())) }
        return seen
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
