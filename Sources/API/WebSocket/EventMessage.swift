import ClusterState
import Orchestration
import Raft
import Telemetry

/// An event as clients get it, encoded once; only the channel's name differs between those who get it.
struct EventMessage: Sendable {
    /// Nil: ephemeral, outside the log.
    var offset: EventOffset?
    var tenant: String
    var channels: [EventChannel]
    /// Of ephemeral messages: a newer one with the same key makes an older one superfluous.
    var coalescingKey: String?
    /// Everything behind the channel's name, without the first comma.
    private var tail: [UInt8]

    /// The whole text for a subscriber of the channel.
    func text(for channel: EventChannel) -> [UInt8] {
        var json = JSONWriter(capacity: tail.count + 96)
        json.object { json in
            json.field("type", "event")
            json.field("channel", channel.name)
            json.raw(tail)
        }
        return json.bytes
    }

    /// A durable event. A result that would make it too large, or for which the disk would have to be waited for, is replaced by
    /// its digest and where to get it.
    /// - Parameter state: in which the event's result is, or is no more.
    init(_ event: Event, of state: ClusterState, epoch: String, limits: APILimits, nodeName: (NodeID) -> String) {
        offset = event.offset
        tenant = event.record.tenant
        channels = EventChannel.channels(of: event.record)
        tail = []
        let result = event.result.flatMap { payload in
            payload.isEmpty ? nil : try? state.content(of: payload, within: .memory)
        }
        let withResult = Self.tail(event, epoch, result, nodeName)
        tail =
            withResult.count + 256 <= limits.eventBytes || result == nil
            ? withResult : Self.tail(event, epoch, nil, nodeName)
    }

    /// An event beside the log.
    init(
        ephemeral name: String, on channels: [EventChannel], tenant: String, taskID: String?, at time: WallTime,
        coalescingKey: String?, data: [UInt8]
    ) {
        self.channels = channels
        self.tenant = tenant
        self.coalescingKey = coalescingKey
        tail = Self.members { json in
            json.field("event", name)
            json.field("ephemeral", true)
            json.field("task_id", taskID)
            json.field("occurred_at", time.rfc3339)
            json.field("data", raw: data)
        }
    }

    /// The members of an object without its braces.
    private static func members(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        let object = JSONWriter.document { $0.object(body) }
        return Array(object.dropFirst().dropLast())
    }

    private static func tail(
        _ event: Event, _ epoch: String, _ result: [UInt8]?, _ nodeName: (NodeID) -> String
    ) -> [UInt8] {
        let record = event.record
        return members { json in
            json.field("event", event.kind.name)
            json.field("offset", event.offset.description)
            json.field("epoch", epoch)
            json.field("task_id", record.taskID.isEmpty ? nil : record.taskID)
            json.field("occurred_at", WallTime(unsigned: record.occurredWall).rfc3339)
            json.field("data", object: { data(event, result, nodeName, &$0) })
            json.field("traceparent", record.hasTrace ? Telemetry.TraceContext(record.trace)?.traceparent : nil)
        }
    }

    private static func data(
        _ event: Event, _ result: [UInt8]?, _ nodeName: (NodeID) -> String, _ json: inout JSONWriter
    ) {
        let record = event.record
        switch event.kind {
        case .memberChanged:
            json.field("member_id", record.nodeID)
            json.field("name", record.nodeName)
            json.field("status", NodeStatus(rawValue: UInt8(truncatingIfNeeded: record.nodeStatusCode.rawValue))?.name)
            return
        case .breakerChanged: return
        case .taskCreated:
            json.field("title", record.title)
            json.field("task_type", record.taskType)
            json.field("priority", record.priority)
            json.field("created_by", record.createdBy)
        case .taskExecutionStarted: break
        case .agentStarted, .agentCompleted, .agentFailed, .approvalRequired:
            json.field("step", record.stepID)
            json.field("agent", record.agent)
        case .taskCompleted, .taskFailed, .taskCancelled: break
        }
        json.field("revision", record.revision)
        json.field("attempt", record.attempt)
        json.field("node", record.nodeID == 0 ? nil : nodeName(NodeID(record.nodeID)))
        outcome(event, result, &json)
    }

    private static func outcome(_ event: Event, _ result: [UInt8]?, _ json: inout JSONWriter) {
        let record = event.record
        switch event.kind {
        case .agentCompleted, .agentFailed, .taskCompleted, .taskFailed, .taskCancelled: break
        case .taskCreated, .taskExecutionStarted, .agentStarted, .approvalRequired, .memberChanged, .breakerChanged:
            return
        }
        json.field("summary", record.summary.isEmpty ? nil : record.summary)
        json.field("quality_score", decimal: record.hasQualityPpm ? UInt64(record.qualityPpm) : nil, digits: 6)
        json.field("duration_seconds", decimal: record.durationMilliseconds, digits: 3)
        if record.hasFailure {
            json.field(
                "error_details",
                object: { json in
                    json.field("reason", record.failure.reason?.name)
                    json.field("message", record.failure.message)
                    json.field("subject", record.failure.subject)
                })
        }
        if let result { return json.field("result", raw: result) }
        guard record.resultLength > 0 else { return }
        json.field("result_bytes", record.resultLength)
        json.field("result_sha256", Hexadecimal.text(record.resultSha256))
        json.field("result_url", "/api/v1/tasks/\(record.taskID)")
    }
}

enum Hexadecimal {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
