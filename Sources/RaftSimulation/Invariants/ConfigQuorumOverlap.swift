import Raft

/// Two configurations that follow each other in a log, or that leaders have each put behind the same one, have no disjoint quorums
/// (P1, P16).
struct ConfigQuorumOverlap {
    /// What has followed each configuration, in any log.
    private var successors: [Membership: [Membership]] = [:]

    mutating func check(_ process: Process, _ effects: [Effect]) throws(Violation) {
        for case .persist(let write) in effects {
            for entry in write.entries where entry.kind == .configuration {
                // What a snapshot has replaced meanwhile is compared no more.
                guard entry.index > process.raft.firstIndex, entry.index <= process.raft.lastLog.index else { continue }
                let before = process.raft.membership(at: entry.index.previous)
                let after = process.raft.membership(at: entry.index)
                let known = successors[before, default: [before]]
                if known.contains(after) { continue }
                if let other = known.first(where: { !Self.overlap($0, after) }) {
                    throw Violation(
                        "ConfigQuorumOverlap",
                        "node \(process.id) goes from \(before) to \(after), which may disagree with \(other)")
                }
                successors[before] = known + [after]
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
