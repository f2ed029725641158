/// Everything that can keep an agent or a tool from its answer, one case for each thing a caller can act on.
public enum AgentError: Error, Sendable, Equatable {
    /// The input breaks the agent's declaration; each field is named. To a client: 422.
    case invalidInput([FieldError])
    /// A path leaves the configured workspace roots, directly or through a symbolic link. To a client: 422.
    case outsideWorkspace(path: String)
    /// A path inside the workspace names nothing. To a client: 422.
    case targetNotFound(path: String)
    /// The operating system refused a path that exists. `reason` is its message.
    case unreadable(path: String, reason: String)
    /// The configuration names a workspace root that is no readable folder. The node cannot start with it.
    case badRoot(path: String, reason: String)
    /// The awaiting task was cancelled; nothing is left running.
    case cancelled
    /// The run's deadline passed; nothing is left running.
    case deadlineExceeded
    /// The queue of the tool threads is full: try again later, here or on another node.
    case overloaded
    /// The tool threads were shut down: the node is stopping.
    case shutDown
    /// A child process did not start, failed, or took longer than its limit.
    case childProcess(program: String, reason: String)
}

extension AgentError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidInput(let fields): fields.map { "\($0.field): \($0.message)" }.joined(separator: "; ")
        case .outsideWorkspace(let path): "'\(path)' is outside the workspace"
        case .targetNotFound(let path): "'\(path)' does not exist in the workspace"
        case .unreadable(let path, let reason): "'\(path)' cannot be read: \(reason)"
        case .badRoot(let path, let reason): "workspace root '\(path)' cannot be used: \(reason)"
        case .cancelled: "cancelled"
        case .deadlineExceeded: "the deadline passed"
        case .overloaded: "the queue of the tool threads is full"
        case .shutDown: "the tool threads are shut down"
        case .childProcess(let program, let reason): "\(program): \(reason)"
        }
    }

    /// True where no tool of the same run could do better: the run ends instead of going on to the next tool.
    var endsRun: Bool {
        switch self {
        case .invalidInput, .outsideWorkspace, .targetNotFound, .cancelled, .deadlineExceeded, .shutDown: true
        case .unreadable, .badRoot, .overloaded, .childProcess: false
        }
    }
}

/// One field of an input that was refused, named as the client wrote it: `target`, `parameters.code`.
public struct FieldError: Sendable, Hashable, Codable {
    public var field: String
    public var message: String

    public init(field: String, message: String) {
        self.field = field
        self.message = message
    }
}
