import NIOCore

/// What waits for one client that does not read fast enough.
///
/// Durable messages keep their order and are never left out: when they no longer fit, the client has to go. Ephemeral
/// ones are coalesced by key, sent after the durable ones, and the first to be dropped.
struct OutgoingQueue {
    enum Verdict: Equatable {
        case queued
        /// An ephemeral message that found no room.
        case dropped
        case full
    }

    private let limitBytes: Int
    private var durable = CircularBuffer<ByteBuffer>()
    private var ephemeral: [String: ByteBuffer] = [:]
    private var ephemeralOrder = CircularBuffer<String>()
    private var ephemeralBytes = 0
    private var durableBytes = 0

    init(limitBytes: Int) {
        self.limitBytes = limitBytes
    }

    var bytes: Int { durableBytes + ephemeralBytes }
    var isEmpty: Bool { durable.isEmpty && ephemeral.isEmpty }

    mutating func append(_ message: ByteBuffer, coalescingKey: String?) -> Verdict {
        if let coalescingKey { return put(message, coalescingKey) }
        if bytes + message.readableBytes > limitBytes { dropEphemeral() }
        guard bytes + message.readableBytes <= limitBytes else { return .full }
        durable.append(message)
        durableBytes += message.readableBytes
        return .queued
    }

    private mutating func put(_ message: ByteBuffer, _ key: String) -> Verdict {
        let old = ephemeral[key]?.readableBytes ?? 0
        guard bytes - old + message.readableBytes <= limitBytes / 2 else { return .dropped }
        if ephemeral.updateValue(message, forKey: key) == nil { ephemeralOrder.append(key) }
        ephemeralBytes += message.readableBytes - old
        return .queued
    }

    mutating func dropEphemeral() {
        ephemeral.removeAll()
        ephemeralOrder.removeAll()
        ephemeralBytes = 0
    }

    mutating func next() -> ByteBuffer? {
        if let message = durable.popFirst() {
            durableBytes -= message.readableBytes
            return message
        }
        guard let key = ephemeralOrder.popFirst(), let message = ephemeral.removeValue(forKey: key) else { return nil }
        ephemeralBytes -= message.readableBytes
        return message
    }
}
