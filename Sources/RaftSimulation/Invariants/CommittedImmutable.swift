import Raft

/// What one node has committed at an index is what every node commits there. Keeps the one history that results: with
/// `LogMatching`, its terms say it all.
struct CommittedImmutable {
    private(set) var terms: [Term] = []
    /// The term in which each was first committed.
    private var committedIn: [Term] = []
    private var seen: [LogIndex] = []

    var count: Int { terms.count }

    /// The term committed at an index above zero.
    func term(at index: LogIndex) -> Term? {
        index > .zero && index.rawValue <= UInt64(terms.count) ? terms[Int(index.rawValue) - 1] : nil
    }

    /// The last entry that was committed before a term; zero if none was.
    func last(before term: Term) -> LogIndex {
        var count = committedIn.count
        while count > 0, committedIn[count - 1] >= term { count -= 1 }
        return LogIndex(UInt64(count))
    }

    mutating func started(_ node: Node, _ restored: Raft.Restored) {
        while seen.count <= node.place { seen.append(.zero) }
        seen[node.place] = restored.snapshot.position.index
    }

    mutating func check(_ process: Process) throws(Violation) {
        let commit = process.raft.commitIndex
        let before = seen[process.place]
        guard commit != before else { return }
        guard commit > before else {
            throw Violation(
                "CommittedImmutable", "the commit index of node \(process.id) falls from \(before) to \(commit)")
        }
        seen[process.place] = commit
        var index = before.next
        while index <= commit {
            let own = process.raft.term(at: index)
            if let known = term(at: index) {
                guard own == nil || own == known else {
                    throw Violation("CommittedImmutable", "node \(process.id) commits another entry at \(index)")
                }
            } else if let own {
                precondition(index.rawValue == UInt64(terms.count) + 1, "the history has no gaps")
                terms.append(own)
                committedIn.append(process.raft.standing.term)
            } else {
                throw Violation(
                    "CommittedImmutable", "node \(process.id) has a snapshot of what nobody committed: \(index)")
            }
            index = index.next
        }
    }
}
