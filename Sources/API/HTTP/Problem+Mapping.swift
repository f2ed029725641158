import ClusterState
import RaftServer
import Storage

// The one place where what other rooms refuse becomes what a client reads.
extension Problem {
    /// A write that the cluster did not answer.
    init(write error: RequestError) {
        let repeatable = "it may still take effect; repeat it with the same Idempotency-Key to learn the outcome"
        switch error {
        case .noQuorum: self.init(.noQuorum, "\(repeatable)")
        case .timedOut: self.init(.outcomeUnknown, "the cluster did not answer in time; \(repeatable)")
        case .overloaded: self.init(.overloaded, "too many requests wait for the log; nothing was accepted")
        case .diskFull: self.init(.overloaded, "the disks of too many members take nothing; nothing was accepted")
        case .tooLarge(let limit): self.init(.tooLarge, "a command may have \(limit) bytes")
        case .stopped: self.init(.outcomeUnknown, "the node is stopping; \(repeatable)")
        case .cancelled: self.init(.outcomeUnknown, "the request was given up; \(repeatable)")
        }
    }

    /// A read that the cluster did not answer.
    init(read error: RequestError) {
        switch error {
        case .noQuorum: self.init(.noQuorum, "read with ?consistency=stale to see what this node has")
        case .timedOut: self.init(.readTimeout, "this node could not become fresh enough in time")
        case .overloaded: self.init(.overloaded, "too many reads wait for the leader")
        case .tooLarge, .diskFull: self.init(.internal)
        case .stopped: self.init(.notReady, "the node is stopping")
        case .cancelled: self.init(.readTimeout, "the request was given up")
        }
    }

    /// PostgreSQL did not answer, or not so that its answer can be used.
    init(_ error: StorageError) {
        switch error {
        case .unavailable, .notMigrated, .tooFarBehind:
            self.init(.storeUnavailable, "a task is not in the live state, and PostgreSQL cannot be asked about it")
        case .newerSchema, .foreignDatabase, .newerGeneration:
            self.init(.storeUnavailable, "PostgreSQL holds the data of another cluster or release")
        case .invalidQuery(let field): self = .badRequest(field, "is out of range")
        case .ahead, .behind, .unwritable, .failed:
            self.init(.internal, "PostgreSQL gave an answer that cannot be used")
        }
    }

    init(_ error: JSONError) {
        switch error.reason {
        case .tooDeep, .stringTooLong, .tooManyValues, .empty, .unexpectedEnd, .unexpectedByte, .invalidNumber,
            .numberOutOfRange, .controlCharacter, .invalidEscape, .loneSurrogate, .nulCharacter, .invalidUTF8,
            .duplicateName, .trailingText:
            self.init(.malformedJSON, error.explanation)
        }
    }

    /// A command that changed nothing.
    init(_ rejection: Rejection) {
        switch rejection {
        case .invalid(let field): self = .invalid(field, "is not accepted")
        case .unknownDependency(let id): self = .invalid("depends_on", "there is no task \(id)")
        case .tooLarge(let limit): self.init(.tooLarge, "the limit is \(limit) bytes")
        case .overloaded(let seconds):
            self.init(.overloaded, "what is live and what PostgreSQL has not taken fills the budget")
            retryAfterSeconds = seconds
        case .idempotencyTableFull(let seconds):
            self.init(.overloaded, "too many idempotency keys are in use")
            retryAfterSeconds = seconds
        case .idempotencyConflict:
            self.init(.idempotencyConflict, "send the same body as the first time, or another key")
        case .unknownTask: self.init(.notFound, "there is no task with this id")
        case .alreadyExists: self.init(.wrongState, "a task with this id exists")
        case .wrongState(let status): self.init(.wrongState, "the task is \(status.name)")
        case .evicted(let status, _):
            self.init(.archived, "the task is \(status.name), and not all that it needs to run again was kept")
        case .sessionEnded:
            self.init(.outcomeUnknown, "the cluster has declared this node gone; repeat with the same Idempotency-Key")
        case .outcomeForgotten: self.init(.outcomeForgotten, "look for the task before you repeat the request")
        case .windowExceeded: self.init(.overloaded, "too many requests of this node are under way")
        case .noCluster: self.init(.notReady, "the cluster is being created")
        case .malformed, .clusterExists, .unknownNode, .unknownIncarnation, .unknownStep, .stepAlreadyCompleted,
            .fenced,
            .stale, .notAllNodesReady:
            self.init(.internal)
        case .changeInFlight:
            self.init(.membersRefused, "another change of the members is under way; ask again when it has ended")
        case .noVoterLeft: self.init(.membersRefused, "no voter would be left")
        case .tooManyVoters(let limit): self.init(.membersRefused, "a cluster has at most \(limit) voters")
        }
    }
}

extension StorageError {
    /// A list is answered from the live state instead.
    var meansPartial: Bool {
        switch self {
        case .unavailable, .notMigrated, .tooFarBehind, .newerSchema, .foreignDatabase, .newerGeneration: true
        case .invalidQuery, .ahead, .behind, .unwritable, .failed: false
        }
    }
}
