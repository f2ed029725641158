@testable import Raft

/// A new leader has everything that was ever committed (Raft §5.4).
enum LeaderCompleteness {
    static func check(_ step: ObservedStep, _ committed: CommittedImmutable) throws {
        for case .roleChanged(let standing) in step.effects where standing.role == .leader {
            let log = step.raft.log
            guard log.last.index.rawValue >= UInt64(committed.count) else {
                throw step.violation(of: "LeaderCompleteness", "elected without \(committed.count)")
            }
            for entry in committed.entries where entry.index >= log.base.index {
                if log.term(at: entry.index) != entry.term {
                    throw step.violation(of: "LeaderCompleteness", "elected with another entry at \(entry.index)")
                }
            }
        }
    }
}
