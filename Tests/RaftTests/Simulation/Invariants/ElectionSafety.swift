@testable import Raft

/// At most one node leads in a term, and only in one of its lives; whoever follows a leader follows that one.
struct ElectionSafety {
    private struct Leader: Equatable {
        var node: NodeID
        var boot: Int
    }

    private var leaders: [Term: Leader] = [:]

    mutating func check(_ step: ObservedStep) throws {
        let standing = step.raft.standing
        if standing.role == .leader {
            let leader = Leader(node: step.node, boot: step.boot)
            if let known = leaders[standing.term], known != leader {
                throw step.violation(of: "ElectionSafety", "\(known.node) and \(step.node) lead")
            }
            leaders[standing.term] = leader
            guard standing.leader == step.node else { throw step.violation(of: "ElectionSafety", "a leader follows") }
        } else if let followed = standing.leader, leaders[standing.term]?.node != followed {
            throw step.violation(of: "ElectionSafety", "follows \(followed), who was not elected")
        }
    }
}
