@testable import Raft

/// A node's term never falls while it runs, and a restart takes it back no further than to what is durable. Whatever it sends
/// bears its present term. (That the durable term never falls is asserted by the disk.)
struct TermMonotonic {
    private var terms: [NodeID: Term] = [:]

    mutating func started(_ node: SimulatedNode) {
        terms[node.id] = node.disk.hardState.term
    }

    mutating func check(_ step: ObservedStep) throws {
        let term = step.raft.hardState.term
        if let before = terms[step.node], term < before {
            throw step.violation(of: "TermMonotonic", "fell from \(before)")
        }
        terms[step.node] = term
        for case .send(let message) in step.effects where message.term != term {
            throw step.violation(of: "TermMonotonic", "sends in term \(message.term)")
        }
    }
}
