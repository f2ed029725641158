/// What an agent is asked to do: the part of a task that it reads.
public struct AgentInput: Sendable, Hashable, Codable {
    /// A path inside the workspace, relative to its first root; `.` is that root.
    public var target: String?
    /// Named inputs, as the agent's declaration documents them.
    public var parameters: [String: JSONValue]
    /// The task's title, shown in the report and given to a reasoner.
    public var title: String
    /// The task's description, given to a reasoner.
    public var description: String

    public init(
        target: String? = nil, parameters: [String: JSONValue] = [:], title: String = "", description: String = ""
    ) {
        self.target = target
        self.parameters = parameters
        self.title = title
        self.description = description
    }

    /// The JSON object that tools are called with: the parameters, and `target` beside them.
    var arguments: JSONValue {
        var members = parameters
        if let target { members["target"] = .string(target) }
        return .object(members)
    }
}

/// One named input of an agent.
public struct ParameterDeclaration: Sendable, Hashable {
    public var name: String
    public var type: ParameterType
    public var description: String

    public init(_ name: String, _ type: ParameterType, _ description: String) {
        self.name = name
        self.type = type
        self.description = description
    }
}

/// The type of an input, with its limit.
public enum ParameterType: Sendable, Hashable {
    case text(maximumBytes: Int)
    /// One of these words; upper and lower case are equal.
    case oneOf([String])
    case wholeNumber(ClosedRange<Int64>)

    /// What a client is told.
    public var expectation: String {
        switch self {
        case .text(let maximum): "a string of at most \(maximum) bytes"
        case .oneOf(let words): "one of \(words.joined(separator: ", "))"
        case .wholeNumber(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        }
    }

    /// True where `value` is of this type and within its limit.
    public func accepts(_ value: JSONValue) -> Bool {
        switch self {
        case .text(let maximum):
            return value.stringValue.map { $0.utf8.count <= maximum } ?? false
        case .oneOf(let words):
            guard let text = value.stringValue?.lowercased() else { return false }
            return words.contains { $0.lowercased() == text }
        case .wholeNumber(let range):
            return value.integerValue.map(range.contains) ?? false
        }
    }

    /// The JSON schema of this type.
    public var schema: JSONValue {
        switch self {
        case .text(let maximum): ["type": "string", "maxLength": .integer(Int64(maximum))]
        case .oneOf(let words): ["type": "string", "enum": .array(words.map { .string($0) })]
        case .wholeNumber(let range):
            ["type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)]
        }
    }
}
