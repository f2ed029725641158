import Raft

/// When an entry is committed for the first time, the disks of a quorum hold it, and no crash can take it back (P8). Only a
/// leader commits, and only by an entry of its own term (P2, figure 8).
enum CommittedOnQuorum {
    static func check(
        _ process: Process, _ effects: [Effect], _ committed: CommittedImmutable, after known: Int, _ world: World
    ) throws(Violation) {
        let standing = process.raft.standing
        // One that has led its own leaving to the end hands over in the same step.
        let hasHandedOver = effects.contains { if case .transferEnded(.completed) = $0 { true } else { false } }
        guard standing.role == .leader || hasHandedOver else {
            throw Violation("CommittedOnQuorum", "node \(process.id) commits \(known + 1) first and does not lead")
        }
        guard committed.terms.last == standing.term else {
            throw Violation("CommittedOnQuorum", "\(committed.count), of an older term, is committed by counting")
        }
        // A configuration counts from when it is appended: the one in force, or, where the commit itself brought the next one,
        // the one before.
        let memberships = [process.raft.membership, process.raft.membership(at: LogIndex(UInt64(committed.count)))]
        for place in known..<committed.count {
            let index = LogIndex(UInt64(place + 1))
            let term = committed.terms[place]
            if term != standing.term { world.marks.hit(.priorTermCommitted) }
            let isHeld = memberships.contains { membership in
                membership.isQuorum { id in
                    let node = world.nodes[Int(id.rawValue) - 1]
                    if node.durable.holds(index, term: term) { return true }
                    // It held its part until its disk was lost; what came of that the cluster has yet to decide.
                    return node.former?.holds(index, term: term) ?? false && !process.accepts(node)
                }
            }
            guard isHeld else {
                throw Violation("CommittedOnQuorum", "\(index) is committed and not on the disks of a quorum")
            }
        }
    }
}
