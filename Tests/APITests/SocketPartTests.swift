import ClusterState
import NIOCore
import Raft
import Testing

@testable import API

@Suite("Parts of the WebSocket")
struct SocketPartTests {
    private func buffer(_ count: Int) -> ByteBuffer { ByteBuffer(repeating: 0x61, count: count) }

    @Test("durable messages keep their order, ephemeral ones are coalesced and come after")
    func order() {
        var queue = OutgoingQueue(limitBytes: 100)
        #expect(queue.append(buffer(1), coalescingKey: "a") == .queued)
        #expect(queue.append(buffer(2), coalescingKey: nil) == .queued)
        #expect(queue.append(buffer(3), coalescingKey: "b") == .queued)
        #expect(queue.append(buffer(4), coalescingKey: "a") == .queued)
        #expect(queue.append(buffer(5), coalescingKey: nil) == .queued)
        #expect(queue.bytes == 14)
        var sizes: [Int] = []
        while let next = queue.next() { sizes.append(next.readableBytes) }
        #expect(sizes == [2, 5, 4, 3] && queue.isEmpty && queue.bytes == 0)
    }

    @Test("at the limit ephemeral messages go first; then there is no room")
    func room() {
        var queue = OutgoingQueue(limitBytes: 100)
        #expect(queue.append(buffer(51), coalescingKey: "a") == .dropped)
        #expect(queue.append(buffer(50), coalescingKey: "a") == .queued)
        #expect(queue.append(buffer(60), coalescingKey: nil) == .queued)
        #expect(queue.bytes == 60)
        #expect(queue.append(buffer(40), coalescingKey: nil) == .queued)
        #expect(queue.append(buffer(1), coalescingKey: nil) == .full)
        #expect(queue.bytes == 100)
    }

    @Test("a message costs allowance, which returns with time")
    func allowance() {
        var limits = APILimits()
        limits.socketMessageBurst = 2
        limits.socketMessagesPerSecond = 10
        var session = WebSocketSession(limits: limits, now: 0)
        let ping = Array(#"{"type":"ping"}"#.utf8)
        let pong = [WebSocketSession.Action.send(Array(#"{"type":"pong"}"#.utf8))]
        #expect(session.received(ping, now: 0) == pong)
        #expect(session.received(ping, now: 0) == pong)
        #expect(session.received(ping, now: 100) == pong)
        #expect(session.received(ping, now: 199) == [.close(code: 1008, reason: "too many messages")])
    }

    @Test("a silent client is closed after as many heartbeats as it may miss; any sign of life counts")
    func silence() {
        var session = WebSocketSession(limits: APILimits(), now: 0)
        for _ in 0..<2 { #expect(session.heartbeat(time: "now").last == .ping) }
        session.heard()
        for _ in 0..<2 { #expect(session.heartbeat(time: "now").last == .ping) }
        #expect(session.heartbeat(time: "now") == [.close(code: 4408, reason: "no answer to pings")])
    }

    @Test("a subscription carries its resume point")
    func resumePoint() {
        var session = WebSocketSession(limits: APILimits(), now: 0)
        let text = #"{"type":"subscribe","id":"1","channel":"task:x","since":{"epoch":"c.0","offset":"7.2"}}"#
        let point = ResumePoint(epoch: "c.0", offset: EventOffset(index: LogIndex(7), ordinal: 2))
        #expect(session.received(Array(text.utf8), now: 0) == [.subscribe(.task("x"), since: point, id: "1")])
        #expect(session.channels == [.task("x")])
    }

    @Test("only the events of one's tenant are shown")
    func tenants() {
        var record = EventRecord()
        record.kindCode = .taskCreated
        record.tenant = "other"
        record.taskID = "x"
        #expect(EventChannel.channels(of: record) == [.tasks, .task("x")])
    }

    @Test("the progress board keeps the newest of a bounded number of tasks")
    func board() throws {
        let board = ProgressBoard(limit: 20)
        let keys = try (0..<30).map { try #require(TaskKey(tenant: "t", id: "task_\($0)")) }
        for (number, key) in keys.enumerated() { board.put(.init(percent: number, step: nil), key) }
        board.put(.init(percent: 99, step: "x"), keys[29])
        #expect(board.latest(keys[0]) == nil && board.latest(keys[29])?.percent == 99)
        #expect(keys.count { board.latest($0) != nil } <= 20)
    }
}
