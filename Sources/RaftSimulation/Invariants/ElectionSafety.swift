import Raft

/// At most one node leads in a term, and only in one of its lives; whoever follows a leader follows that one (Raft §5.2).
struct ElectionSafety {
    private struct Leader: Equatable {
        var node: NodeID
        var boot: BootID
    }

    private var leaders: [Term: Leader] = [:]
    /// What was checked already.
    private var lastChecked: [NodeID: Standing] = [:]

    mutating func check(_ process: Process) throws(Violation) {
        let standing = process.raft.standing
        guard lastChecked[process.id] != standing else { return }
        lastChecked[process.id] = standing
        if standing.role == .leader {
            let leader = Leader(node: process.id, boot: process.boot)
            if let known = leaders[standing.term], known != leader {
                throw Violation("ElectionSafety", "\(known.node) and \(process.id) lead in term \(standing.term)")
            }
            leaders[standing.term] = leader
            guard standing.leader == process.id else {
                throw Violation("ElectionSafety", "\(process.id) leads term \(standing.term) and follows another")
            }
        } else if let followed = standing.leader, leaders[standing.term]?.node != followed {
            throw Violation(
                "ElectionSafety", "\(process.id) follows \(followed) in term \(standing.term), who was not elected")
        }
    }
}
