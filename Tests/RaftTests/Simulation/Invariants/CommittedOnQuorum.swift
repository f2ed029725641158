@testable import Raft

/// When an entry is committed for the first time, a majority of the voters' *disks* hold it: no crash can take it back (P8).
enum CommittedOnQuorum {
    static func check(
        _ step: ObservedStep, _ committed: CommittedImmutable, after known: Int, _ membership: Membership,
        _ nodes: [SimulatedNode]
    ) throws {
        guard step.raft.role == .leader else {
            throw step.violation(
                of: "CommittedOnQuorum", "a node that does not lead is the first to commit \(known + 1)")
        }
        // Counting copies proves nothing about entries of older terms: they follow one of the leader's own (P2, figure 8).
        guard committed.entries.last?.term == step.raft.hardState.term else {
            throw step.violation(
                of: "CommittedOnQuorum", "commits \(committed.count), which is of an older term, by counting")
        }
        for entry in committed.entries[known...] {
            let isHeld = membership.isQuorum { id in
                nodes[Int(id.rawValue) - 1].disk.holds(entry.index, term: entry.term)
            }
            if !isHeld { throw step.violation(of: "CommittedOnQuorum", "\(entry.index) is not on a majority of disks") }
        }
    }
}
