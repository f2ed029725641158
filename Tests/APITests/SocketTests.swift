import ClusterState
import LoopbackClient
import SwiftProtobuf
import Synchronization
import Testing

@testable import API

@Suite("WebSocket")
struct SocketTests {
    private func run(
        _ configure: (inout APIConfiguration) -> Void = { _ in }, _ body: (TestNode) async throws -> Void
    ) async throws {
        try await TestNode.run(configure: configure, body)
    }

    @Test("events of a task arrive in order, with their offsets, the result last", arguments: ["/api/v1/ws", "/ws"])
    func events(_ path: String) async throws {
        try await run { node async throws in
            let client = try await WebSocketClient.open(node, path: path)
            let answer = try await client.subscribe("task:task_1")
            #expect(answer["type"]?.stringValue == "subscribed" && answer["recovered"]?.bool == false)
            #expect(answer["epoch"]?.stringValue == "test.1")
            node.cluster.submit("task_0")
            node.cluster.submit("task_1")
            node.cluster.start("task_1")
            node.cluster.complete("task_1")
            let seen = try await client.events(4)
            #expect(
                seen.map(\.event) == ["task_created", "task_execution_started", "agent_started", "agent_completed"])
            #expect(seen.allSatisfy { $0.task == "task_1" })
            let last = try await client.nextMessage()
            #expect(last["event"]?.stringValue == "task_completed")
            #expect(last["data"]?["result"]?["output"]?.stringValue == "a report")
            #expect(
                last["epoch"]?.stringValue == "test.1"
                    && last["occurred_at"]?.stringValue?.hasPrefix("2023-11-14T22:13:20.") == true)
        }
    }

    @Test("each channel shows its own kinds")
    func channels() async throws {
        try await run { node async throws in
            var clients: [String: WebSocketClient] = [:]
            for channel in ["tasks", "agents", "cluster", "providers"] {
                clients[channel] = try await WebSocketClient.open(node)
                _ = try await clients[channel]?.subscribe(channel)
            }
            node.cluster.submit("task_1")
            node.cluster.start("task_1")
            node.cluster.complete("task_1")
            node.cluster.apply(
                .nodeSuspended(
                    .with {
                        $0.nodeID = 1; $0.bootID = 1; $0.reasonCode = .drain
                    }))
            #expect(
                try await clients["tasks"]?.events(3).map(\.event) == [
                    "task_created", "task_execution_started", "task_completed",
                ])
            #expect(try await clients["agents"]?.events(2).map(\.event) == ["agent_started", "agent_completed"])
            #expect(try await clients["cluster"]?.events(1).map(\.event) == ["member_changed"])
        }
    }

    @Test("the original commands work: subscribe_task, unsubscribe_task, ping")
    func originalCommands() async throws {
        try await run { node async throws in
            let client = try await WebSocketClient.open(node)
            try await client.send(#"{"command":"ping"}"#)
            #expect(try await client.nextMessage()["type"]?.stringValue == "pong")
            try await client.send(#"{"command":"subscribe_task","task_id":"task_1"}"#)
            #expect(try await client.nextMessage()["channel"]?.stringValue == "task:task_1")
            try await client.send(#"{"command":"unsubscribe_task","task_id":"task_1"}"#)
            #expect(try await client.nextMessage()["type"]?.stringValue == "unsubscribed")
            node.cluster.submit("task_1")
            _ = try await client.subscribe("tasks")
            node.cluster.submit("task_2")
            #expect(try await client.events(1).map(\.task) == ["task_2"])
        }
    }

    // MARK: Resuming

    /// Some tasks run, one after the other.
    private func history(_ node: TestNode, _ tasks: ClosedRange<Int>) {
        for number in tasks {
            node.cluster.submit("task_\(number)")
            node.cluster.start("task_\(number)")
            node.cluster.complete("task_\(number)")
        }
    }

    @Test("from every offset of a run a client resumes to the identical rest, and on into what happens then")
    func resumeMatrix() async throws {
        try await run { node async throws in
            let first = try await WebSocketClient.open(node)
            _ = try await first.subscribe("tasks")
            history(node, 1...8)
            let whole = try await first.events(24)
            for position in whole.indices {
                let client = try await WebSocketClient.open(node)
                let answer = try await client.subscribe("tasks", since: ("test.1", whole[position].offset))
                #expect(answer["recovered"]?.bool == true)
                #expect(try await client.events(23 - position) == Array(whole[(position + 1)...]))
                client.connection.close()
            }
            let last = try await WebSocketClient.open(node)
            _ = try await last.subscribe("tasks", since: ("test.1", whole[20].offset))
            history(node, 9...9)
            let rest = try await last.events(6)
            #expect(Array(rest.prefix(3)) == Array(whole[21...]) && rest.suffix(3).allSatisfy { $0.task == "task_9" })
        }
    }

    @Test("resuming while events come gives each once and in order")
    func resumeUnderLoad() async throws {
        try await run({ $0.limits.eventsPerPass = 4 }) { node async throws in
            let first = try await WebSocketClient.open(node)
            _ = try await first.subscribe("tasks")
            history(node, 1...30)
            let whole = try await first.events(90)
            async let load: Void = { history(node, 31...60) }()
            var clients: [WebSocketClient] = []
            for place in [0, 17, 44, 89] {
                let client = try await WebSocketClient.open(node)
                _ = try await client.subscribe("tasks", since: ("test.1", whole[place].offset))
                clients.append(client)
            }
            await load
            let all = whole + (try await first.events(90))
            for (client, place) in zip(clients, [0, 17, 44, 89]) {
                #expect(try await client.events(179 - place) == Array(all[(place + 1)...]))
            }
        }
    }

    @Test("a replay larger than the client's queue goes as fast as the client reads")
    func largeReplay() async throws {
        try await run({ $0.limits.socketQueueBytes = 64 << 10 }) { node async throws in
            let first = try await WebSocketClient.open(node)
            let answer = try await first.subscribe("tasks")
            let result = #"{"output":"\#(String(repeating: "x", count: 30_000))"}"#
            for number in 1...60 {
                node.cluster.submit("task_\(number)")
                node.cluster.start("task_\(number)")
                node.cluster.complete("task_\(number)", result: result)
            }
            let start = try #require(answer["offset"]?.stringValue)
            let late = try await WebSocketClient.open(node, receiveBufferBytes: 4096)
            _ = try await late.subscribe("tasks", since: ("test.1", start))
            node.cluster.submit("task_61")
            let seen = try await late.events(181)
            #expect(seen.map(\.offset) == seen.map(\.offset).withoutRepetition && seen.last?.task == "task_61")
        }
    }

    @Test("an offset that has left the window, or of another epoch, gets a snapshot, never a part")
    func gone() async throws {
        var settings = Settings()
        settings.eventWindowCount = 8
        try await TestNode.run(cluster: TestCluster(settings: settings)) { node async throws in
            let client = try await WebSocketClient.open(node)
            _ = try await client.subscribe("tasks")
            history(node, 1...2)
            let old = try await client.events(1)[0]
            history(node, 3...8)
            node.cluster.submit("task_9")
            let late = try await WebSocketClient.open(node)
            let answer = try await late.subscribe("tasks", since: ("test.1", old.offset))
            #expect(answer["recovered"]?.bool == false)
            #expect(answer["snapshot"]?["tasks"]?.array?.map { $0["task_id"]?.stringValue } == ["task_9"])
            for offset in ["18446744073709551615.0", "100100.0"] {
                _ = try await late.subscribe("tasks", since: ("test.1", offset))
                let never = try await late.nextMessage()
                #expect(never["recovered"]?.bool == false && never["snapshot"]?["tasks"]?.array?.count == 1)
            }
            let other = try await late.subscribe("task:task_9", since: ("elsewhere.1", old.offset))
            #expect(other["recovered"]?.bool == false && other["snapshot"]?["status"]?.stringValue == "assigned")
            node.cluster.start("task_9")
            #expect(Set(try await late.events(3).map(\.event)) == ["task_execution_started", "agent_started"])
            try await late.send(#"{"type":"subscribe","channel":"tasks","since":{"epoch":"test.1","offset":"soon"}}"#)
            #expect(try await late.nextMessage()["code"]?.stringValue == "bad_since")
        }
    }

    @Test("a node that had to install a snapshot resets its subscriptions")
    func reset() async throws {
        try await run { node async throws in
            let client = try await WebSocketClient.open(node)
            _ = try await client.subscribe("tasks")
            node.cluster.submit("task_1")
            _ = try await client.events(1)
            try node.cluster.reinstallSnapshot()
            let reset = try await client.nextMessage()
            #expect(reset["type"]?.stringValue == "reset" && reset["reason"]?.stringValue == "snapshot_installed")
            #expect(reset["snapshot"]?["tasks"]?.array?.count == 1)
            node.cluster.submit("task_2")
            #expect(try await client.events(1).map(\.task) == ["task_2"])
        }
    }

    // MARK: Ephemeral

    @Test("progress is ephemeral: without an offset, for running tasks only")
    func progress() async throws {
        try await run { node async throws in
            let client = try await WebSocketClient.open(node)
            _ = try await client.subscribe("task:task_1")
            node.cluster.submit("task_1")
            _ = try await client.events(1)
            node.cluster.tick(#"{"task_id":"task_1","percent":40,"step":"functions"}"#)
            let tick = try await client.nextMessage()
            #expect(
                tick["event"]?.stringValue == "task_progress" && tick["ephemeral"]?.bool == true
                    && tick["offset"] == nil)
            #expect(tick["data"]?["percent"]?.integer == 40)
            node.cluster.start("task_1")
            node.cluster.complete("task_1")
            _ = try await client.events(4)
            node.cluster.tick(#"{"task_id":"task_1","percent":41}"#)
            node.cluster.tick("no JSON")
            try await client.send(#"{"type":"ping"}"#)
            #expect(try await client.nextMessage()["type"]?.stringValue == "pong")
        }
    }

    @Test("an event larger than the limit names its result by digest and URL")
    func largeResult() async throws {
        try await run({ $0.limits.eventBytes = 2048 }) { node async throws in
            let client = try await WebSocketClient.open(node)
            _ = try await client.subscribe("tasks")
            node.cluster.submit("task_1")
            node.cluster.start("task_1")
            let result = #"{"output":"\#(String(repeating: "x", count: 4000))"}"#
            node.cluster.complete("task_1", result: result)
            _ = try await client.events(2)
            let data = try await client.nextMessage()["data"]
            #expect(data?["result"] == nil && data?["result_bytes"]?.integer == Int64(result.utf8.count))
            #expect(data?["result_sha256"]?.stringValue == Hexadecimal.text(Digest.sha256(Array(result.utf8))))
            #expect(
                data?["result_url"]?.stringValue == "/api/v1/tasks/task_1"
                    && data?["summary"]?.stringValue == "well done")
        }
    }

    // MARK: Misbehaviour

    @Test("who does not read is closed with 1013, and the others do not notice")
    func slowConsumer() async throws {
        try await run({ $0.limits.socketQueueBytes = 64 << 10 }) { node async throws in
            let slow = try await RawConnection.open(port: node.port, receiveBufferBytes: 4096)
            let sleeper = try await WebSocketClient.open(slow)
            _ = try await sleeper.subscribe("tasks")
            try await slow.stopReading()
            let quick = try await WebSocketClient.open(node)
            _ = try await quick.subscribe("tasks")
            let result = #"{"output":"\#(String(repeating: "x", count: 30_000))"}"#
            var number = 0
            while try await !node.get("/metrics").text.contains(#"amas_ws_disconnects_total{code="1013"} 1"#) {
                number += 1
                node.cluster.submit("task_\(number)")
                node.cluster.start("task_\(number)")
                node.cluster.complete("task_\(number)", result: result)
                #expect(
                    try await quick.events(3).map(\.event) == [
                        "task_created", "task_execution_started", "task_completed",
                    ])
            }
            try await slow.startReading()
            while await slow.readMore() {}
        }
    }

    /// What a client sends, and the code that it is closed with.
    struct Violation: Sendable {
        struct Frame: Sendable {
            var opcode: UInt8
            var payload: [UInt8]
            var isFinal = true
            var isMasked = true
        }

        var name: String
        var frames: [Frame]
        var code: Int

        static let all: [Violation] = [
            .init(name: "unmasked", frames: [.init(opcode: 1, payload: [0x7B, 0x7D], isMasked: false)], code: 1002),
            .init(name: "unknown opcode", frames: [.init(opcode: 3, payload: [])], code: 1002),
            .init(name: "nothing to continue", frames: [.init(opcode: 0, payload: [1])], code: 1002),
            .init(name: "long ping", frames: [.init(opcode: 9, payload: filler(126))], code: 1002),
            .init(name: "binary", frames: [.init(opcode: 2, payload: [1, 2])], code: 1003),
            .init(name: "no UTF-8", frames: [.init(opcode: 1, payload: [0x22, 0xFF, 0x22])], code: 1007),
            .init(name: "neither UTF-8 nor JSON", frames: [.init(opcode: 1, payload: [0xFF])], code: 1007),
            .init(name: "large", frames: [.init(opcode: 1, payload: filler(65_537))], code: 1009),
            .init(
                name: "large in parts",
                frames: [
                    .init(opcode: 1, payload: filler(40_000), isFinal: false),
                    .init(opcode: 0, payload: filler(40_000)),
                ], code: 1009),
            .init(name: "a code that nobody may send", frames: [.init(opcode: 8, payload: [0x03, 0xE7])], code: 1002),
            .init(name: "half a code", frames: [.init(opcode: 8, payload: [0x03])], code: 1002),
            .init(name: "goodbye", frames: [.init(opcode: 8, payload: [0x0F, 0xA0])], code: 4000),
        ]

        private static func filler(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x20, count: count) }
    }

    @Test("frames that break the protocol close the socket with the code that says so")
    func violations() async throws {
        try await run { node async throws in
            for violation in Violation.all {
                let client = try await WebSocketClient.open(node)
                for frame in violation.frames {
                    try await client.send(
                        opcode: frame.opcode, frame.payload, isFinal: frame.isFinal, isMasked: frame.isMasked)
                }
                let code = await client.closeCode()
                #expect(code == violation.code, "\(violation.name)")
                client.connection.close()
            }
        }
    }

    @Test("fragments are put together, pings are answered, bad messages are explained")
    func messages() async throws {
        try await run { node async throws in
            let client = try await WebSocketClient.open(node)
            try await client.send(opcode: 1, Array(#"{"type":"#.utf8), isFinal: false)
            try await client.send(opcode: 9, [7])
            try await client.send(opcode: 0, Array(#""ping","id":"x"}"#.utf8))
            let pong = await client.frame()
            #expect(pong?.opcode == 10 && pong?.payload == [7])
            #expect(try await client.nextMessage()["id"]?.stringValue == "x")
            for (text, code) in [
                ("{", "malformed_json"), ("[]", "bad_message"), ("{}", "bad_message"),
                (#"{"type":"subscribe","channel":"everything"}"#, "unknown_channel"),
                (#"{"command":"subscribe_task"}"#, "unknown_channel"),
                (#"{"type":"subscribe","channel":"tasks","sinse":{}}"#, "bad_message"),
            ] {
                try await client.send(text)
                #expect(try await client.nextMessage()["code"]?.stringValue == code)
            }
        }
    }

    @Test("subscriptions and messages of a socket, and sockets of a node, have limits")
    func limits() async throws {
        try await run({
            $0.limits.subscriptionsPerSocket = 2
            $0.limits.socketMessageBurst = 8
            $0.limits.socketMessagesPerSecond = 0
            $0.limits.sockets = 1
        }) { node async throws in
            let client = try await WebSocketClient.open(node)
            for channel in ["tasks", "agents"] {
                #expect(try await client.subscribe(channel)["type"]?.stringValue == "subscribed")
            }
            #expect(try await client.subscribe("cluster")["code"]?.stringValue == "too_many")
            #expect(try await client.subscribe("tasks")["type"]?.stringValue == "subscribed")
            let second = try await node.request("GET", "/ws", WebSocketClient.handshake)
            #expect(second.status == 503 && second.problem == "overloaded")
            for _ in 0..<5 { try await client.send(#"{"type":"ping"}"#) }
            #expect(await client.closeCode() == 1008)
        }
    }

    @Test("who may not, or does not speak WebSocket, gets a problem")
    func refusals() async throws {
        try await run({ $0.allowedOrigins = ["https://good.example"] }) { node async throws in
            #expect(try await node.request("GET", "/ws", WebSocketClient.handshake, key: nil).status == 401)
            let plain = try await node.get("/ws")
            #expect(plain.status == 426 && plain.headers["upgrade"] == "websocket")
            var handshake = WebSocketClient.handshake
            handshake["Origin"] = "https://evil.example"
            #expect(try await node.request("GET", "/ws", handshake).status == 403)
            for origin in ["https://good.example", "http://localhost"] {
                handshake["Origin"] = origin
                #expect(try await node.request("GET", "/ws", handshake).status == 101)
            }
        }
    }

    @Test("a node that is still reading its log opens no WebSocket: it would tell old events as new ones")
    func recovering() async throws {
        try await run { node async throws in
            node.cluster.behaviour.withLock { $0.hasRecovered = false }
            let refused = try await node.request("GET", "/ws", WebSocketClient.handshake)
            #expect(refused.status == 503 && refused.problem == "not_ready")
            node.cluster.behaviour.withLock { $0.hasRecovered = true }
            #expect(try await node.request("GET", "/ws", WebSocketClient.handshake).status == 101)
        }
    }

    @Test("a connection that has served requests can still become a WebSocket")
    func lateUpgrade() async throws {
        try await run { node async throws in
            let connection = try await RawConnection.open(port: node.port)
            #expect(try await connection.request("GET", "/livez").status == 200)
            let client = try await WebSocketClient.open(connection)
            #expect(try await client.subscribe("tasks")["type"]?.stringValue == "subscribed")
        }
    }

    @Test("a connection whose upgrade was not granted is closed, since nothing more is read from it")
    func refusedUpgrade() async throws {
        try await run { node async throws in
            for headers in [WebSocketClient.handshake, ["Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings"]] {
                let connection = try await RawConnection.open(port: node.port)
                let reply = try await connection.request("GET", "/api/v1/cluster", headers)
                #expect(reply.status == 200 && reply.headers["connection"] == "close")
                while await connection.readMore() {}
            }
        }
    }

    @Test("a draining node says where it stands, closes with 1012, and lets nobody else in")
    func draining() async throws {
        try await run({ $0.limits.drainSpreadMilliseconds = 10 }) { node async throws in
            let client = try await WebSocketClient.open(node)
            _ = try await client.subscribe("tasks")
            async let drained: Void = node.server.drain()
            let notice = try await client.nextMessage()
            #expect(notice["event"]?.stringValue == "server_draining")
            #expect(notice["data"]?["reconnect_after_ms"]?.integer != nil)
            #expect(await client.closeCode() == 1012)
            client.connection.close()
            await drained
            #expect(try await node.request("GET", "/ws", WebSocketClient.handshake).status == 503)
        }
    }

    @Test("a heartbeat comes, and who does not answer pings is closed")
    func heartbeats() async throws {
        try await run({ $0.limits.heartbeatSeconds = 1 }) { node async throws in
            let client = try await WebSocketClient.open(node)
            let first = try #require(await client.frame())
            #expect(first.opcode == 1 && String(decoding: first.payload, as: UTF8.self).contains("heartbeat"))
            #expect(await client.frame()?.opcode == 9)
            #expect(await client.closeCode() == 4408)
        }
    }
}

extension [String] {
    fileprivate var withoutRepetition: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
