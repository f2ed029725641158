@testable import Raft

/// What a message promises is on the sender's disk when it leaves: a vote, a candidacy with the log that it boasts of, an
/// acknowledged entry (P7, P8).
enum PromisesAreDurable {
    static func check(_ step: ObservedStep, _ disk: SimulatedDisk) throws {
        for case .send(let message) in step.effects {
            switch message.body {
            case .voteResponse(granted: true):
                guard disk.hardState == HardState(term: message.term, votedFor: message.to) else {
                    throw step.violation(
                        of: "PromisesAreDurable", "votes for \(message.to) with \(disk.hardState) on disk")
                }
            case .voteRequest(let lastLog, _):
                guard disk.hardState == HardState(term: message.term, votedFor: step.node), disk.last >= lastLog else {
                    throw step.violation(
                        of: "PromisesAreDurable", "campaigns with \(disk.hardState), \(disk.last) on disk")
                }
            case .appendAccepted(let match):
                guard let term = step.raft.term(at: match) else { continue }  // Compacted, hence in a durable snapshot.
                guard disk.holds(match, term: term) else {
                    throw step.violation(of: "PromisesAreDurable", "acknowledges \(match), which is not on its disk")
                }
            default: break
            }
        }
    }
}
