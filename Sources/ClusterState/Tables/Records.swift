import Raft

/// The typed view of the fields that the schema keeps as numbers. A record in the state always has them valid: apply
/// writes nothing else and a snapshot that says otherwise is refused.
extension TaskRecord {
    public internal(set) var status: TaskStatus {
        get { Self.valid(TaskStatus(rawValue: UInt8(truncatingIfNeeded: statusCode.rawValue))) }
        set { statusCode = Self.valid(TaskStatusCode(rawValue: Int(newValue.rawValue))) }
    }

    public var lastRevision: Revision { Revision(rawValue: revision) }

    /// It may be assigned to a node.
    var isRunnable: Bool { status == .pending && !held && unmet.isEmpty }
    var isProjected: Bool { persistedRevision >= revision }
    /// Terminal, and PostgreSQL has it: kept only for its grace.
    var isRetained: Bool { status.isTerminal && isProjected }
    var boot: SessionKey { SessionKey(node: NodeID(nodeID), boot: BootID(bootID)) }

    private static func valid<Value>(_ value: Value?) -> Value {
        guard let value else { preconditionFailure("records in the state have known statuses") }
        return value
    }
}

extension TaskEvidence {
    /// Nil for what is no status.
    public var status: TaskStatus? {
        get { UInt8(exactly: statusCode.rawValue).flatMap { TaskStatus(rawValue: $0) } }
        set { statusCode = newValue.flatMap { TaskStatusCode(rawValue: Int($0.rawValue)) } ?? .unspecified }
    }
}

extension StepRecord {
    public internal(set) var status: StepStatus {
        get {
            guard let status = StepStatus(rawValue: UInt8(truncatingIfNeeded: statusCode.rawValue)) else {
                preconditionFailure("records in the state have known statuses")
            }
            return status
        }
        set {
            guard let code = StepStatusCode(rawValue: Int(newValue.rawValue)) else {
                preconditionFailure("the schema has every status")
            }
            statusCode = code
        }
    }
}

extension NodeRecord {
    public internal(set) var status: NodeStatus {
        get {
            guard let status = NodeStatus(rawValue: UInt8(truncatingIfNeeded: statusCode.rawValue)) else {
                preconditionFailure("records in the state have known statuses")
            }
            return status
        }
        set {
            guard let code = NodeStatusCode(rawValue: Int(newValue.rawValue)) else {
                preconditionFailure("the schema has every status")
            }
            statusCode = code
        }
    }
}

extension EventRecord {
    public internal(set) var kind: EventKind {
        get {
            guard let kind = EventKind(rawValue: UInt8(truncatingIfNeeded: kindCode.rawValue)) else {
                preconditionFailure("records in the state have known kinds")
            }
            return kind
        }
        set {
            guard let code = EventKindCode(rawValue: Int(newValue.rawValue)) else {
                preconditionFailure("the schema has every kind")
            }
            kindCode = code
        }
    }
}

extension Failure {
    public init(_ reason: FailureReason, message: String = "", subject: String = "") {
        self.init()
        guard let code = FailureReasonCode(rawValue: Int(reason.rawValue)) else {
            preconditionFailure("the schema has every reason")
        }
        reasonCode = code
        self.message = message
        self.subject = subject
    }

    /// Nil where no reason was given.
    public var reason: FailureReason? { FailureReason(rawValue: UInt8(truncatingIfNeeded: reasonCode.rawValue)) }
}
