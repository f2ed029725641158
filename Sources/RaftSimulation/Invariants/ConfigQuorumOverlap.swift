import Raft

/// Any two configurations that follow each other in the log have no disjoint quorums (P1, P16).
struct ConfigQuorumOverlap {
    private var lastSeen: [NodeID: Membership] = [:]

    mutating func check(_ process: Process, _ effects: [Effect]) throws(Violation) {
        for case .membershipChanged(let membership) in effects {
            if let before = lastSeen[process.id], !Self.overlap(before, membership) {
                throw Violation(
                    "ConfigQuorumOverlap", "node \(process.id) goes from \(before) to \(membership), which may disagree"
                )
            }
            lastSeen[process.id] = membership
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
