import Raft

/// Any two configurations that follow each other in the log have no disjoint quorums (P1, P16).
enum ConfigQuorumOverlap {
    static func check(_ process: Process, _ effects: [Effect]) throws(Violation) {
        for case .persist(let write) in effects {
            for entry in write.entries where entry.kind == .configuration {
                // What a snapshot has replaced meanwhile is compared no more.
                guard entry.index > process.raft.firstIndex, entry.index <= process.raft.lastLog.index else { continue }
                let before = process.raft.membership(at: entry.index.previous)
                let after = process.raft.membership(at: entry.index)
                if overlap(before, after) { continue }
                throw Violation(
                    "ConfigQuorumOverlap", "node \(process.id) goes from \(before) to \(after), which may disagree")
            }
        }
    }

    /// Whether every quorum of one meets every quorum of the other: whichever nodes agree on the one side, the rest is no
    /// quorum of the other.
    static func overlap(_ one: Membership, _ other: Membership) -> Bool {
        var nodes = one.members
        for member in other.members where !nodes.contains(member) { nodes.append(member) }
        precondition(nodes.count <= 16, "subsets are counted")
        for subset in 0..<(1 << nodes.count) {
            func isIn(_ node: NodeID) -> Bool {
                guard let place = nodes.firstIndex(of: node) else { return false }
                return subset >> place & 1 == 1
            }
            if one.isQuorum(isIn), other.isQuorum({ !isIn($0) }) { return false }
        }
        return true
    }
}
