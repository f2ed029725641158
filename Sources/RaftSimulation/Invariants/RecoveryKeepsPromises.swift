import Raft

/// After a crash a node's disk still says what it had said durably before: term and vote, and every entry, unless a truncation
/// was on its way. A disk that was damaged must be refused instead (P7, P8, P12).
enum RecoveryKeepsPromises {
    static func check(_ node: Node, _ restored: Raft.Restored) throws(Violation) {
        let before = node.durable
        let now = restored.hardState
        let keepsVote =
            now.term > before.hardState.term
            || now.term == before.hardState.term
                && (before.hardState.votedFor == nil || now.votedFor == before.hardState.votedFor)
        guard keepsVote else {
            throw Violation("RecoveryKeepsPromises", "node \(node.id) comes back with \(now) after \(before.hardState)")
        }
        // Where the log can stand in for a damaged snapshot, an older one or none is as good.
        guard node.isDamaged || restored.snapshot.position.index >= before.snapshot.index else {
            throw Violation("RecoveryKeepsPromises", "node \(node.id) has lost its snapshot at \(before.snapshot)")
        }
        guard !node.isTruncating else { return }
        let after = DurableView(restored)
        var index = max(before.base.index, after.base.index).next
        while index <= before.last.index {
            guard let term = before.term(at: index), after.holds(index, term: term) else {
                throw Violation("RecoveryKeepsPromises", "node \(node.id) has lost entry \(index), which was durable")
            }
            index = index.next
        }
    }
}
