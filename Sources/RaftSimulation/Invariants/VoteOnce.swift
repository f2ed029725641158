import Raft

/// A node gives one vote in a term, across all runs on one folder (P7). A vote counts once it has left the node; a candidate's own
/// leaves with its requests.
struct VoteOnce {
    private var votes: [[Term: NodeID]]

    init(nodes: Int) {
        votes = Array(repeating: [:], count: nodes)
    }

    /// What another disk promised it cannot know. It votes only where the one before has no vote to lose.
    mutating func gotNewFolder(_ node: Node) { votes[node.place] = [:] }

    mutating func check(_ process: Process, _ effects: [Effect]) throws(Violation) {
        for case .send(let message) in effects {
            let candidate: NodeID
            switch message.body {
            case .voteResponse(granted: true): candidate = message.to
            case .voteRequest: candidate = process.id
            case .preVoteRequest, .preVoteResponse, .voteResponse, .appendEntries, .appendAccepted, .appendRejected,
                .heartbeat, .heartbeatResponse, .installSnapshot, .timeoutNow, .staleTerm:
                continue
            }
            if let earlier = votes[process.place][message.term], earlier != candidate {
                throw Violation(
                    "VoteOnce", "node \(process.id) votes for \(earlier) and \(candidate) in term \(message.term)")
            }
            votes[process.place][message.term] = candidate
        }
    }
}
