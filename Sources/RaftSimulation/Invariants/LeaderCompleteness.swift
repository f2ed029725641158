import Raft

/// A new leader has everything that was committed in the terms before its own (Raft §5.4). By `LogMatching`, having the last of it is having all.
enum LeaderCompleteness {
    static func check(
        _ process: Process, _ effects: [Effect], _ committed: CommittedImmutable
    ) throws(Violation) {
        for case .roleChanged(let standing) in effects where standing.role == .leader {
            let last = committed.last(before: standing.term)
            // What a snapshot holds was committed, and is compared when it is installed.
            guard last >= process.raft.firstIndex else { continue }
            guard process.raft.term(at: last) == committed.term(at: last) else {
                throw Violation(
                    "LeaderCompleteness", "node \(process.id) is elected in term \(standing.term) without entry \(last)"
                )
            }
        }
    }
}
