import Raft
import Synchronization

/// What travels beside the log: lost without harm, never decided upon.
public enum EphemeralTopic: UInt8, Sendable {
    case taskProgress = 1
    case stateHash = 2
    case members = 3
    case transferLeadership = 4
}

/// Delivers ephemeral messages, of this node and of others, by topic. A message is its topic (1 byte) and its bytes.
final class EphemeralBus: Sendable {
    typealias Handler = @Sendable (NodeID, [UInt8]) -> Void

    private let handlers: Mutex<[EphemeralTopic: [Handler]]> = Mutex([:])

    func subscribe(_ topic: EphemeralTopic, _ handler: @escaping Handler) {
        handlers.withLock { $0[topic, default: []].append(handler) }
    }

    static func frame(_ topic: EphemeralTopic, _ bytes: [UInt8]) -> [UInt8] { [topic.rawValue] + bytes }

    func received(_ frame: [UInt8], from node: NodeID) {
        guard let first = frame.first, let topic = EphemeralTopic(rawValue: first) else { return }
        deliver(topic, Array(frame.dropFirst()), from: node)
    }

    func deliver(_ topic: EphemeralTopic, _ bytes: [UInt8], from node: NodeID) {
        for handler in handlers.withLock({ $0[topic] ?? [] }) { handler(node, bytes) }
    }
}
