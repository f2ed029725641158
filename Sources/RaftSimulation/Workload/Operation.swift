import ClusterState
import Raft

/// An operation's place in the history.
typealias OperationID = Int

/// What a client asked for and what it got.
struct Operation {
    enum Kind: Equatable {
        /// Makes the task that is the key.
        case create
        /// Adds to the task's cost: not idempotent.
        case add(UInt64)
        /// Ends the task; the first one counts.
        case cancel
        /// Linearizable.
        case read
        /// A task for the executors; nobody waits for its end.
        case submit
    }

    enum Result: Equatable {
        case pending
        /// It may have taken effect, or do so later.
        case unknown
        /// It had no effect.
        case refused
        case done
        /// There is no such task.
        case absent
        case value(TaskModel.State)
    }

    let client: Int
    let key: Int
    let kind: Kind
    /// Where it was asked.
    let node: NodeID
    let calledAt: UInt64
    /// Entries that any node had committed by then.
    let committedAtCall: Int
    var returnedAt: UInt64 = .max
    var result = Result.pending
    /// The entry that it took effect with, or whose state it read; nil for what never did.
    var appliedAt: LogIndex?
}

/// Names a proposal for ever.
struct ProposalName: Hashable {
    var session: Envelope.Session
    var sequence: UInt64
}

/// What the node says to whoever asked for a write.
enum Completion {
    case outcome(Outcome)
    /// No answer in time, or the node died.
    case unknown
    /// Refused before it had any effect.
    case refused
}
