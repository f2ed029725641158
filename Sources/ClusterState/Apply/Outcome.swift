/// The answer to a command: the same on every node, and the same again when the command is repeated.
public enum Outcome: Equatable, Sendable {
    /// Done. The count is that of timers fired, tasks persisted and the like; 0 also where there was nothing to do.
    case done(count: UInt64)
    /// Done to this task, whose revision this is now.
    case task(TaskKey, Revision)
    /// The idempotency key had been used for the same request: what it gave then. Nothing changed now.
    case replayed(TaskKey, Revision)
    /// Nothing changed.
    case rejected(Rejection)
}

/// Why a command changed nothing.
public enum Rejection: Equatable, Sendable {
    /// The entry is no command.
    case malformed
    /// The cluster has not been created.
    case noCluster
    case clusterExists
    /// A field of the command is outside its range; the name is that of the schema.
    case invalid(field: String)
    /// A result is larger than the task may have.
    case tooLarge(limitBytes: UInt64)
    /// Admission: what is live and what PostgreSQL has not taken fills the budget.
    case overloaded(retryAfterSeconds: UInt64)
    /// The idempotency key was used for another request.
    case idempotencyConflict
    case idempotencyTableFull(retryAfterSeconds: UInt64)
    case unknownTask
    case unknownNode
    /// The node's data folder is not the one that the cluster knows: it must be replaced, not restarted.
    case unknownIncarnation
    case unknownDependency(id: String)
    case unknownStep
    case alreadyExists
    /// The task was persisted and has left the state.
    case evicted(TaskStatus, Revision)
    case wrongState(TaskStatus)
    case stepAlreadyCompleted
    /// The command is about an assignment that the task no longer has. Stop working on it; report what it cost.
    case fenced(current: Epoch)
    /// What the command was based on has changed: boot, term, generation or version.
    case stale
    case sessionEnded
    case outcomeForgotten
    /// The session has more commands outstanding than it may.
    case windowExceeded
    /// A node is too old for the machine version; the greatest that all can is given.
    case notAllNodesReady(lowest: UInt64)
    /// The members are being changed already.
    case changeInFlight
    case noVoterLeft
    case tooManyVoters(limit: UInt64)
}

/// How outcomes are kept in the session table.
extension Outcome {
    /// Part of the format of the state: these numbers never change.
    private enum Code {
        static let malformed: UInt32 = 1
        static let noCluster: UInt32 = 2
        static let clusterExists: UInt32 = 3
        static let invalid: UInt32 = 4
        static let tooLarge: UInt32 = 5
        static let overloaded: UInt32 = 6
        static let idempotencyConflict: UInt32 = 7
        static let idempotencyTableFull: UInt32 = 8
        static let unknownTask: UInt32 = 9
        static let unknownNode: UInt32 = 10
        static let unknownIncarnation: UInt32 = 11
        static let unknownDependency: UInt32 = 12
        static let unknownStep: UInt32 = 13
        static let alreadyExists: UInt32 = 14
        static let evicted: UInt32 = 15
        static let wrongState: UInt32 = 16
        static let stepAlreadyCompleted: UInt32 = 17
        static let fenced: UInt32 = 18
        static let stale: UInt32 = 19
        static let sessionEnded: UInt32 = 20
        static let outcomeForgotten: UInt32 = 21
        static let windowExceeded: UInt32 = 22
        static let notAllNodesReady: UInt32 = 23
        static let changeInFlight: UInt32 = 24
        static let noVoterLeft: UInt32 = 25
        static let tooManyVoters: UInt32 = 26
    }

    var record: OutcomeRecord {
        var record = OutcomeRecord()
        switch self {
        case .done(let count):
            record.code = .done
            record.count = count
        case .task(let key, let revision):
            record.code = .task
            record.taskID = key.id
            record.revision = revision.rawValue
        case .replayed(let key, let revision):
            record.code = .replayed
            record.taskID = key.id
            record.revision = revision.rawValue
        case .rejected(let rejection):
            record.code = .rejected
            Self.write(rejection, to: &record)
        }
        return record
    }

    private static func write(_ rejection: Rejection, to record: inout OutcomeRecord) {
        func set(_ code: UInt32, subject: String = "", value: UInt64 = 0) {
            record.rejection = code
            record.rejectionSubject = subject
            record.rejectionValue = value
        }
        switch rejection {
        case .malformed: set(Code.malformed)
        case .noCluster: set(Code.noCluster)
        case .clusterExists: set(Code.clusterExists)
        case .invalid(let field): set(Code.invalid, subject: field)
        case .tooLarge(let limit): set(Code.tooLarge, value: limit)
        case .overloaded(let seconds): set(Code.overloaded, value: seconds)
        case .idempotencyConflict: set(Code.idempotencyConflict)
        case .idempotencyTableFull(let seconds): set(Code.idempotencyTableFull, value: seconds)
        case .unknownTask: set(Code.unknownTask)
        case .unknownNode: set(Code.unknownNode)
        case .unknownIncarnation: set(Code.unknownIncarnation)
        case .unknownDependency(let id): set(Code.unknownDependency, subject: id)
        case .unknownStep: set(Code.unknownStep)
        case .alreadyExists: set(Code.alreadyExists)
        case .evicted(let status, let revision):
            set(Code.evicted, value: UInt64(status.rawValue))
            record.revision = revision.rawValue
        case .wrongState(let status): set(Code.wrongState, value: UInt64(status.rawValue))
        case .stepAlreadyCompleted: set(Code.stepAlreadyCompleted)
        case .fenced(let epoch): set(Code.fenced, value: epoch.rawValue)
        case .stale: set(Code.stale)
        case .sessionEnded: set(Code.sessionEnded)
        case .outcomeForgotten: set(Code.outcomeForgotten)
        case .windowExceeded: set(Code.windowExceeded)
        case .notAllNodesReady(let lowest): set(Code.notAllNodesReady, value: lowest)
        case .changeInFlight: set(Code.changeInFlight)
        case .noVoterLeft: set(Code.noVoterLeft)
        case .tooManyVoters(let limit): set(Code.tooManyVoters, value: limit)
        }
    }

    /// Nil for a record that no `record` gives. The tenant is that of the command being repeated.
    init?(_ record: OutcomeRecord, tenant: String) {
        switch record.code {
        case .done: self = .done(count: record.count)
        case .task, .replayed:
            guard let key = TaskKey(tenant: tenant, id: record.taskID) else { return nil }
            let revision = Revision(rawValue: record.revision)
            self = record.code == .task ? .task(key, revision) : .replayed(key, revision)
        case .rejected:
            guard let rejection = Self.rejection(of: record) else { return nil }
            self = .rejected(rejection)
        case .unspecified, .UNRECOGNIZED:
            return nil
        }
    }

    private static func rejection(of record: OutcomeRecord) -> Rejection? {
        let value = record.rejectionValue
        switch record.rejection {
        case Code.malformed: return .malformed
        case Code.noCluster: return .noCluster
        case Code.clusterExists: return .clusterExists
        case Code.invalid: return .invalid(field: record.rejectionSubject)
        case Code.tooLarge: return .tooLarge(limitBytes: value)
        case Code.overloaded: return .overloaded(retryAfterSeconds: value)
        case Code.idempotencyConflict: return .idempotencyConflict
        case Code.idempotencyTableFull: return .idempotencyTableFull(retryAfterSeconds: value)
        case Code.unknownTask: return .unknownTask
        case Code.unknownNode: return .unknownNode
        case Code.unknownIncarnation: return .unknownIncarnation
        case Code.unknownDependency: return .unknownDependency(id: record.rejectionSubject)
        case Code.unknownStep: return .unknownStep
        case Code.alreadyExists: return .alreadyExists
        case Code.evicted:
            return TaskStatus(rawValue: UInt8(truncatingIfNeeded: value))
                .map { .evicted($0, Revision(rawValue: record.revision)) }
        case Code.wrongState: return TaskStatus(rawValue: UInt8(truncatingIfNeeded: value)).map { .wrongState($0) }
        case Code.stepAlreadyCompleted: return .stepAlreadyCompleted
        case Code.fenced: return .fenced(current: Epoch(value))
        case Code.stale: return .stale
        case Code.sessionEnded: return .sessionEnded
        case Code.outcomeForgotten: return .outcomeForgotten
        case Code.windowExceeded: return .windowExceeded
        case Code.notAllNodesReady: return .notAllNodesReady(lowest: value)
        case Code.changeInFlight: return .changeInFlight
        case Code.noVoterLeft: return .noVoterLeft
        case Code.tooManyVoters: return .tooManyVoters(limit: value)
        default: return nil
        }
    }
}
