import ClusterState
import Raft

/// A command of a session acts once, however often it is in the log (P21).
struct SessionOnce {
    private struct Command: Hashable {
        var session: Envelope.Session
        var sequence: UInt64
    }

    private var executed: Set<Command> = []

    mutating func check(_ applied: Applied) throws(Violation) {
        guard let session = applied.session, !applied.isDuplicate else { return }
        switch applied.outcome {
        case .rejected(.sessionEnded), .rejected(.outcomeForgotten), .rejected(.windowExceeded): return
        case .done, .task, .replayed, .rejected: break
        }
        guard executed.insert(Command(session: session, sequence: applied.sequence)).inserted else {
            throw Violation(
                "SessionOnce", "sequence \(applied.sequence) of node \(session.node) acts again at \(applied.index)")
        }
    }
}
