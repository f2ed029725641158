import Raft

/// The term of a node never falls, and never below what its disk was certain to hold.
struct TermMonotonic {
    private var terms: [Term]

    init(nodes: Int) {
        terms = Array(repeating: .zero, count: nodes)
    }

    mutating func started(_ node: Node, _ restored: Raft.Restored) {
        terms[node.place] = restored.hardState.term
    }

    mutating func check(_ process: Process) throws(Violation) {
        let term = process.raft.standing.term
        guard term >= terms[process.place] else {
            throw Violation("TermMonotonic", "node \(process.id) falls from \(terms[process.place]) to \(term)")
        }
        terms[process.place] = term
    }
}
