import Agents
import LoopbackClient
import Synchronization

/// A WebSocket client as it should be: it notes the offset of the last event it saw and, when its node goes, resumes from
/// there on the next one.
final class EventFollower: Sendable {
    struct Seen: Sendable {
        var events: [LogReplay.DurableEvent] = []
        /// The offset from which on it saw everything; nil before the first answer.
        var from: String?
        /// How often it went on at another connection.
        var resumed = 0
        /// What a client must never meet.
        var complaints: [String] = []
        /// Tasks of which it saw the end.
        var ended: Set<String> = []
    }

    private struct Point {
        var epoch: String
        var offset: String
    }

    private static let endings: Set<String> = ["task_completed", "task_failed", "task_cancelled"]
    private let ports: [Int]
    private let token: String
    private let state = Mutex(Seen())
    private let isStopped = Mutex(false)

    /// - Parameter ports: where it connects, in this order, and from the first again.
    init(_ cluster: ClusterProcesses, ports: [Int]) {
        self.ports = ports
        token = cluster.token
    }

    var seen: Seen { state.withLock { $0 } }

    /// Follows for the time of `body`, which begins once the first subscription stands.
    func follow<Value>(_ body: () async throws -> Value) async throws -> Value {
        let following = Task { await run() }
        defer { following.cancel() }
        try await until("the follower subscribes") { seen.from != nil }
        return try await body()
    }

    private func run() async {
        var place = 0
        var point: Point?
        while !Task.isCancelled {
            await connect(to: ports[place % ports.count], &point)
            place += 1
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Until the connection ends.
    private func connect(to port: Int, _ point: inout Point?) async {
        guard let connection = try? await RawConnection.open(port: port, lasting: 900) else { return }
        defer { connection.close() }
        guard let client = try? await WebSocketClient.open(connection, key: token) else { return }
        do {
            try await client.requestSubscription("tasks", since: point.map { ($0.epoch, $0.offset) })
            while !Task.isCancelled, let frame = try await client.message() {
                guard frame.opcode == 1 else { continue }
                note(try AgentJSON.decode(JSONValue.self, from: frame.payload), &point)
            }
        } catch {
            return
        }
    }

    private func note(_ message: JSONValue, _ point: inout Point?) {
        guard let offset = message["offset"]?.stringValue, let epoch = message["epoch"]?.stringValue else { return }
        switch message["type"]?.stringValue {
        case "subscribed":
            let isResumed = point != nil
            let isRecovered = message["recovered"] == .bool(true)
            state.withLock { seen in
                if !isResumed {
                    seen.from = offset
                } else if isRecovered {
                    seen.resumed += 1
                } else {
                    seen.complaints.append("not recovered from \(point?.offset ?? "")")
                }
            }
            if point == nil { point = Point(epoch: epoch, offset: offset) }
        case "event":
            let event = LogReplay.DurableEvent(
                offset: offset, name: message["event"]?.stringValue ?? "", task: message["task_id"]?.stringValue ?? "")
            point = Point(epoch: epoch, offset: offset)
            state.withLock { seen in
                seen.events.append(event)
                if Self.endings.contains(event.name) { seen.ended.insert(event.task) }
            }
        case let other: state.withLock { $0.complaints.append("a message of type \(other ?? "none")") }
        }
    }
}
