import Raft

/// What a message promises is on the sender's disk when it leaves: a vote, a candidacy with the log that it boasts of, an
/// acknowledged entry (P7, P8).
enum PromisesAreDurable {
    static func check(_ process: Process, _ effects: [Effect]) throws(Violation) {
        let disk = process.node.durable
        for case .send(let message) in effects {
            switch message.body {
            case .voteResponse(granted: true):
                guard disk.hardState == HardState(term: message.term, votedFor: message.to) else {
                    throw Violation(
                        "PromisesAreDurable",
                        "node \(process.id) votes for \(message.to) with \(disk.hardState) on disk")
                }
            case .voteRequest(let lastLog, _):
                guard disk.hardState == HardState(term: message.term, votedFor: process.id),
                    max(disk.last, disk.snapshot) >= lastLog
                else {
                    throw Violation(
                        "PromisesAreDurable",
                        "node \(process.id) campaigns with \(disk.hardState), \(disk.last) on disk")
                }
            case .appendAccepted(let match):
                guard let term = process.raft.term(at: match) else { continue }  // In a durable snapshot.
                guard disk.holds(match, term: term) else {
                    throw Violation(
                        "PromisesAreDurable", "node \(process.id) acknowledges \(match), which is not on its disk")
                }
            case .preVoteRequest, .preVoteResponse, .voteResponse, .appendEntries, .appendRejected, .heartbeat,
                .heartbeatResponse, .installSnapshot, .timeoutNow, .staleTerm:
                break
            }
        }
    }
}
