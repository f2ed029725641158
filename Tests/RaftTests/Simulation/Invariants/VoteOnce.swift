@testable import Raft

/// One vote per node and term, for ever: also across restarts (P7). A vote is what leaves the node; one that was lost with a
/// crash before anybody heard of it was never given.
struct VoteOnce {
    private struct Ballot: Hashable {
        var node: NodeID
        var term: Term
    }

    private var votes: [Ballot: NodeID] = [:]

    mutating func check(_ step: ObservedStep) throws {
        for case .send(let message) in step.effects {
            switch message.body {
            case .voteResponse(granted: true): try record(message.to, message.term, step)
            case .voteRequest: try record(step.node, message.term, step)
            default: break
            }
        }
        if step.raft.role == .leader { try record(step.node, step.raft.hardState.term, step) }
    }

    private mutating func record(_ candidate: NodeID, _ term: Term, _ step: ObservedStep) throws {
        let ballot = Ballot(node: step.node, term: term)
        if let earlier = votes[ballot], earlier != candidate {
            throw step.violation(of: "VoteOnce", "voted for \(earlier) and \(candidate) in term \(term)")
        }
        votes[ballot] = candidate
    }
}
