@testable import Raft

/// What is never true of a correct cluster was seen.
struct Violation: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// One step of one node, after it was taken and before its effects are executed.
struct ObservedStep {
    let node: NodeID
    let boot: Int
    let time: UInt64
    let effects: [Effect]
    let raft: Raft

    func violation(of invariant: String, _ what: String) -> Violation {
        Violation("\(invariant): \(what) (node \(node), term \(raft.hardState.term), \(time) ms)")
    }
}

/// Everything that must hold after every step of every node. One file each.
struct Invariants {
    private(set) var committed = CommittedImmutable()
    private var electionSafety = ElectionSafety()
    private var voteOnce = VoteOnce()
    private var termMonotonic = TermMonotonic()
    private var logMatching = LogMatching()
    private var appliedMonotonic = AppliedMonotonic()
    private var stateMachineSafety = StateMachineSafety()
    private var readIsLinearizable = ReadIsLinearizable()
    private let membership: Membership

    init(membership: Membership) {
        self.membership = membership
    }

    mutating func started(_ node: SimulatedNode) {
        termMonotonic.started(node)
        committed.started(node)
        appliedMonotonic.started(node)
    }

    mutating func readBegins(_ token: ReadToken) {
        readIsLinearizable.begins(token, committed: committed.count)
    }

    mutating func check(_ step: ObservedStep, _ nodes: [SimulatedNode]) throws {
        let disk = nodes[Int(step.node.rawValue) - 1].disk
        try termMonotonic.check(step)
        try electionSafety.check(step)
        try BoundedQueues.check(step)
        try logMatching.check(step)
        let known = committed.count
        try committed.check(step)
        if committed.count > known {
            try CommittedOnQuorum.check(step, committed, after: known, membership, nodes)
        }
        guard !step.effects.isEmpty else { return }
        try LeaderCompleteness.check(step, committed)
        try voteOnce.check(step)
        try PromisesAreDurable.check(step, disk)
        try appliedMonotonic.check(step, disk)
        try stateMachineSafety.check(step, committed)
        try readIsLinearizable.check(step, committed: committed.count)
    }
}
