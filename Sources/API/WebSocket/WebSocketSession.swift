import ClusterState

/// One client's side of the protocol as a value: texts and heartbeats in, actions out. Times are milliseconds of any
/// clock that does not go back.
struct WebSocketSession: Sendable {
    enum Action: Equatable, Sendable {
        case send([UInt8])
        case subscribe(EventChannel, since: ResumePoint?, id: String?)
        case unsubscribe(EventChannel, id: String?)
        case ping
        case close(code: UInt16, reason: String)
    }

    /// Close codes that are ours or not named by NIO.
    enum CloseCode {
        static let invalidText: UInt16 = 1007
        static let policy: UInt16 = 1008
        static let restart: UInt16 = 1012
        static let tryAgainLater: UInt16 = 1013
        static let stale: UInt16 = 4408

        static func maySend(_ code: UInt16) -> Bool {
            switch code {
            case 1000...1003, 1007...1014, 3000...4999: true
            default: false
            }
        }
    }

    private let limits: APILimits
    private(set) var channels: Set<EventChannel> = []
    /// Messages that the client may still send at once, and when that was so.
    private var allowance: Double
    private var allowanceAt: Int64
    private var silentHeartbeats = 0

    init(limits: APILimits, now: Int64) {
        self.limits = limits
        allowance = Double(limits.socketMessageBurst)
        allowanceAt = now
    }

    // MARK: From the client

    /// Any frame is a sign of life.
    mutating func heard() { silentHeartbeats = 0 }

    mutating func received(_ text: [UInt8], now: Int64) -> [Action] {
        heard()
        guard takeAllowance(now) else { return [.close(code: CloseCode.policy, reason: "too many messages")] }
        // RFC 6455, section 8.1: whatever else is wrong with it.
        guard String(validating: text, as: UTF8.self) != nil else {
            return [.close(code: CloseCode.invalidText, reason: "invalid UTF-8")]
        }
        let node: JSONNode
        do throws(JSONError) {
            node = try JSONReader.read(text, limits: limits.json)
        } catch {
            return [.send(Self.error("malformed_json", error.explanation, id: nil))]
        }
        guard case .object(let members) = node.value else {
            return [.send(Self.error("bad_message", "must be an object", id: nil))]
        }
        // A misspelled `since` would silently lose what was to be resumed.
        let id = node["id"]?.stringValue
        if let unknown = members.first(where: { !Self.fields.contains($0.name) }) {
            return [.send(Self.error("bad_message", "\(unknown.name) is unknown", id: id))]
        }
        return handle(node, id)
    }

    private static let fields: Set = ["type", "command", "id", "channel", "task_id", "since"]

    private mutating func handle(_ message: JSONNode, _ id: String?) -> [Action] {
        // The original commands are the same under other names.
        let type = message["type"]?.stringValue ?? message["command"]?.stringValue
        switch type {
        case "ping": return [.send(Self.text("pong", id: id))]
        case "subscribe", "unsubscribe", "subscribe_task", "unsubscribe_task": break
        default: return [.send(Self.error("bad_message", "type must be subscribe, unsubscribe or ping", id: id))]
        }
        let isTask = type == "subscribe_task" || type == "unsubscribe_task"
        let name = isTask ? message["task_id"]?.stringValue.map { "task:\($0)" } : message["channel"]?.stringValue
        guard let channel = name.flatMap(EventChannel.init) else {
            let expected =
                isTask
                ? "task_id must be a task's id" : "channel must be task:<id>, tasks, agents, providers or cluster"
            return [.send(Self.error("unknown_channel", expected, id: id))]
        }
        guard type == "subscribe" || type == "subscribe_task" else {
            channels.remove(channel)
            return [.unsubscribe(channel, id: id)]
        }
        guard channels.contains(channel) || channels.count < limits.subscriptionsPerSocket else {
            return [
                .send(
                    Self.error("too_many", "a socket may have \(limits.subscriptionsPerSocket) subscriptions", id: id))
            ]
        }
        let since: ResumePoint?
        switch Self.resumePoint(message["since"]) {
        case .success(let point): since = point
        case .failure(let problem): return [.send(Self.error("bad_since", problem.message, id: id))]
        }
        channels.insert(channel)
        return [.subscribe(channel, since: since, id: id)]
    }

    private struct BadSince: Error {
        let message = "since must be {\"epoch\": …, \"offset\": …} as an event gave them"
    }

    private static func resumePoint(_ node: JSONNode?) -> Result<ResumePoint?, BadSince> {
        guard let node else { return .success(nil) }
        if case .null = node.value { return .success(nil) }
        guard let epoch = node["epoch"]?.stringValue, let text = node["offset"]?.stringValue,
            let offset = EventOffset(text)
        else { return .failure(BadSince()) }
        return .success(ResumePoint(epoch: epoch, offset: offset))
    }

    private mutating func takeAllowance(_ now: Int64) -> Bool {
        let regained = Double(max(0, now - allowanceAt)) / 1000 * limits.socketMessagesPerSecond
        allowance = min(Double(limits.socketMessageBurst), allowance + regained)
        allowanceAt = now
        guard allowance >= 1 else { return false }
        allowance -= 1
        return true
    }

    // MARK: Time

    /// Every `heartbeatSeconds`. The ping makes even a client that only listens say something.
    mutating func heartbeat(time: String) -> [Action] {
        guard silentHeartbeats < limits.silentHeartbeats else {
            return [.close(code: CloseCode.stale, reason: "no answer to pings")]
        }
        silentHeartbeats += 1
        let text = JSONWriter.document { json in
            json.object { json in
                json.field("type", "heartbeat")
                json.field("at", time)
            }
        }
        return [.send(text), .ping]
    }

    // MARK: Texts

    static func text(_ type: String, id: String?) -> [UInt8] {
        JSONWriter.document { json in
            json.object { json in
                json.field("type", type)
                if let id { json.field("id", id) }
            }
        }
    }

    static func error(_ code: String, _ message: String, id: String?) -> [UInt8] {
        JSONWriter.document { json in
            json.object { json in
                json.field("type", "error")
                json.field("code", code)
                json.field("message", message)
                if let id { json.field("id", id) }
            }
        }
    }
}
