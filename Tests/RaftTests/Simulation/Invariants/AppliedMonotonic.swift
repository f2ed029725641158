@testable import Raft

/// Entries are handed to the state machine one after the other, each once in the life of a process, committed and durable on
/// the node itself (P10).
struct AppliedMonotonic {
    private var next: [NodeID: LogIndex] = [:]

    mutating func started(_ node: SimulatedNode) {
        next[node.id] = node.disk.snapshot.position.index.next
    }

    mutating func check(_ step: ObservedStep, _ disk: SimulatedDisk) throws {
        // A snapshot from the leader moves the beginning of the log past what was handed out.
        var expected = max(next[step.node] ?? 1, step.raft.log.base.index.next)
        for case .apply(let entries) in step.effects {
            for entry in entries {
                guard entry.index == expected else {
                    throw step.violation(of: "AppliedMonotonic", "applies \(entry.index) where \(expected) is due")
                }
                guard entry.index <= step.raft.commitIndex, disk.holds(entry.index, term: entry.term) else {
                    throw step.violation(
                        of: "AppliedMonotonic", "applies \(entry.index) before it is committed and durable")
                }
                expected = expected.next
            }
        }
        next[step.node] = expected
    }
}
