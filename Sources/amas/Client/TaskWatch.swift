import Agents

/// Following one task as a value: what arrived goes in, what to do about it comes out.
///
/// Events come over a WebSocket that may break at any time. The next one resumes behind the last event, on whichever node, so that
/// every event is shown once; what a connection cannot give, such as an end from before it, the task itself tells.
struct TaskWatch {
    enum Input: Equatable, Sendable {
        /// A WebSocket stands.
        case connected
        case message(JSONValue)
        /// The WebSocket is gone, or could not be had.
        case disconnected
        /// A second has passed.
        case tick
        /// The task, as asked for; nil if nobody answered.
        case task(JSONValue?)
    }

    enum Output: Equatable, Sendable {
        case send(JSONValue)
        /// A durable event, each one once.
        case show(JSONValue)
        case progress(JSONValue)
        /// Events are missing: they were older than what the cluster keeps.
        case gap
        case readTask
        /// The connection is dead without having closed.
        case disconnect
        /// Nothing will come any more.
        case ended
    }

    /// In ticks: a client that hears nothing asks, and without an answer goes elsewhere.
    private static let ticksToPing = 5
    private static let ticksToDisconnect = 10
    /// The task is read so often while no WebSocket stands, and so often beside one.
    private static let ticksToReadAlone = 1
    private static let ticksToRead = 15
    /// A task that has ended is waited for its last event so long.
    private static let ticksToEnd = 2
    private static let lastEvents: Set<String> = ["task_completed", "task_failed", "task_cancelled"]
    private static let lastStatuses: Set<String> = ["completed", "failed", "cancelled"]

    private let channel: String
    private var position: (epoch: String, offset: String)?
    private var shown: Set<String> = []
    private var isConnected = false
    private var silentTicks = 0
    private var ticksSinceRead = 0
    private var ticksSinceEnd: Int?

    init(taskID: String) {
        channel = "task:\(taskID)"
    }

    mutating func step(_ input: Input) -> [Output] {
        switch input {
        case .connected:
            isConnected = true
            silentTicks = 0
            return [.send(subscription)]
        case .disconnected:
            isConnected = false
            return []
        case .message(let message):
            silentTicks = 0
            return received(message)
        case .tick: return passed()
        case .task(let task): return read(task)
        }
    }

    private var subscription: JSONValue {
        var fields: [String: JSONValue] = ["type": .string("subscribe"), "channel": .string(channel)]
        if let position {
            fields["since"] = .object(["epoch": .string(position.epoch), "offset": .string(position.offset)])
        }
        return .object(fields)
    }

    private mutating func received(_ message: JSONValue) -> [Output] {
        switch message["type"]?.stringValue {
        case "event": return event(message)
        case "subscribed":
            let isRecovered = message["recovered"] == .bool(true)
            let hadPosition = position != nil
            if !isRecovered { move(to: message) }
            let gap: [Output] = hadPosition && !isRecovered ? [.gap] : []
            // The snapshot is what no event will tell any more.
            return gap + (hasEnded(message["snapshot"]) ? [.ended] : [.readTask])
        case "reset":
            move(to: message)
            return [.gap, .readTask]
        default: return []
        }
    }

    private mutating func move(to message: JSONValue) {
        guard let epoch = message["epoch"]?.stringValue, let offset = message["offset"]?.stringValue else { return }
        position = (epoch, offset)
    }

    private mutating func event(_ message: JSONValue) -> [Output] {
        guard let epoch = message["epoch"]?.stringValue, let offset = message["offset"]?.stringValue else {
            return [.progress(message)]
        }
        position = (epoch, offset)
        guard shown.insert("\(epoch) \(offset)").inserted else { return [] }
        let isLast = Self.lastEvents.contains(message["event"]?.stringValue ?? "")
        return [.show(message)] + (isLast ? [.ended] : [])
    }

    private mutating func passed() -> [Output] {
        silentTicks += 1
        ticksSinceRead += 1
        if let ticks = ticksSinceEnd {
            ticksSinceEnd = ticks + 1
            if !isConnected || ticks + 1 >= Self.ticksToEnd { return [.ended] }
        }
        var outputs: [Output] = []
        if ticksSinceRead >= (isConnected ? Self.ticksToRead : Self.ticksToReadAlone) { outputs.append(.readTask) }
        guard isConnected else { return outputs }
        if silentTicks >= Self.ticksToDisconnect { return outputs + [.disconnect] }
        if silentTicks % Self.ticksToPing == 0 { outputs.append(.send(.object(["type": .string("ping")]))) }
        return outputs
    }

    private mutating func read(_ task: JSONValue?) -> [Output] {
        guard let task else { return [] }
        ticksSinceRead = 0
        guard hasEnded(task) else { return [] }
        if ticksSinceEnd == nil { ticksSinceEnd = 0 }
        return []
    }

    private func hasEnded(_ task: JSONValue?) -> Bool { Self.lastStatuses.contains(task?["status"]?.stringValue ?? "") }
}
