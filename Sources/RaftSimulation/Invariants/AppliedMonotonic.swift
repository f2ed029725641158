import Raft

/// Entries are handed to the state machine one after the other, each once in the life of a process, committed and durable on
/// the node itself (P10).
struct AppliedMonotonic {
    private var next: [LogIndex]

    init(nodes: Int) {
        next = Array(repeating: LogIndex(1), count: nodes)
    }

    mutating func started(_ node: Node, _ restored: Raft.Restored) {
        next[node.place] = restored.snapshot.position.index.next
    }

    mutating func check(_ process: Process, _ effects: [Effect]) throws(Violation) {
        // A snapshot from the leader moves the beginning of the log past what was handed out.
        var expected = max(next[process.place], process.raft.firstIndex)
        for case .apply(let entries) in effects {
            for entry in entries {
                guard entry.index == expected else {
                    throw Violation(
                        "AppliedMonotonic", "node \(process.id) applies \(entry.index) where \(expected) is due")
                }
                guard entry.index <= process.raft.commitIndex,
                    process.node.durable.holds(entry.index, term: entry.term)
                else {
                    throw Violation(
                        "AppliedMonotonic",
                        "node \(process.id) applies \(entry.index) before it is committed and durable")
                }
                expected = expected.next
            }
        }
        next[process.place] = expected
    }
}
