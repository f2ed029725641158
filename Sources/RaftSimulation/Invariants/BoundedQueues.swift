import Raft

/// Nothing grows past its limit.
enum BoundedQueues {
    static func check(_ process: Process, _ effects: [Effect]) throws(Violation) {
        let settings = process.raft.settings
        for effect in effects {
            switch effect {
            case .send(let message):
                guard case .appendEntries(let append) = message.body, append.entries.count > 1 else { continue }
                let bytes = append.entries.reduce(0) { $0 + $1.sizeInBytes }
                guard bytes <= settings.maximumAppendBytes else {
                    throw Violation(
                        "BoundedQueues", "node \(process.id) sends \(bytes) bytes of entries in one message")
                }
            case .apply(let entries):
                guard let last = entries.last?.index else { continue }
                let out = last.rawValue - process.raft.appliedIndex.rawValue
                guard out <= UInt64(settings.maximumApplyEntries) else {
                    throw Violation("BoundedQueues", "node \(process.id) has handed out \(out) entries")
                }
            case .persist, .readReady, .readRejected, .proposalsRejected, .sendSnapshot, .installSnapshot, .compact,
                .roleChanged, .membershipChanged, .membershipChangeAccepted, .membershipChangeRejected, .memberForgot,
                .transferEnded:
                continue
            }
        }
    }
}
