@testable import Raft

/// Nothing in a node grows past its limit, and what is counted against a limit is what is there.
enum BoundedQueues {
    static func check(_ step: ObservedStep) throws {
        let raft = step.raft
        let settings = raft.settings
        if let leadership = raft.leadership {
            guard leadership.reads.count <= settings.maximumPendingReads else {
                throw step.violation(of: "BoundedQueues", "\(leadership.reads.count) reads wait")
            }
            for peer in leadership.peers where peer.inFlight.count > settings.maximumInFlightAppends {
                throw step.violation(of: "BoundedQueues", "\(peer.inFlight.count) messages in flight to \(peer.id)")
            }
            let from = max(raft.log.commit, leadership.firstOfTerm)
            let uncommitted = raft.log.bytes(after: from, through: raft.log.last.index)
            guard leadership.uncommittedBytes == uncommitted else {
                throw step.violation(
                    of: "BoundedQueues", "counts \(leadership.uncommittedBytes) of \(uncommitted) uncommitted bytes")
            }
            let largest = settings.maximumProposalBytes + Entry.overheadBytes
            guard uncommitted <= max(settings.maximumUncommittedBytes, largest) else {
                throw step.violation(of: "BoundedQueues", "\(uncommitted) bytes are uncommitted")
            }
        }
        let out = Int(raft.log.handedOut.rawValue - raft.log.applied.rawValue)
        guard out <= settings.maximumApplyEntries else {
            throw step.violation(of: "BoundedQueues", "\(out) entries handed to the state machine")
        }
        for case .send(let message) in step.effects {
            guard case .appendEntries(let append) = message.body, append.entries.count > 1 else { continue }
            let bytes = append.entries.reduce(0) { $0 + $1.sizeInBytes }
            guard bytes <= settings.maximumAppendBytes else {
                throw step.violation(of: "BoundedQueues", "\(bytes) bytes in one message")
            }
        }
    }
}
