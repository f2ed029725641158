/// An agent as data: who it is, what it takes, which tools gather its evidence, and what a reasoner is told.
///
/// All agents share one executor (`Agent`). A new agent is a declaration and its tools.
public struct AgentDeclaration: Sendable {
    public var id: AgentID
    public var name: String
    public var description: String
    /// The task types that route to this agent.
    public var taskTypes: [TaskType]
    /// Run in this order. They are also the only ones that a reasoner may ask for.
    public var tools: [any Tool]
    /// The instruction to a reasoner. It never contains evidence or a client's words.
    public var prompt: String
    /// What `target` means to this agent.
    public var target: TargetRule
    /// The names that `parameters` may have.
    public var parameters: [ParameterDeclaration]
    /// Exactly one of these inputs must be given: parameter names, or `target`. Empty where nothing is required.
    public var needsOneOf: [String]
    /// The JSON schema of its result; `AgentResult.schema` for every agent whose result has no extra form.
    public var resultSchema: JSONValue

    public enum TargetRule: String, Sendable, Hashable, Codable {
        case unused
        case workspacePath = "workspace_path"
    }

    public init(
        id: AgentID, name: String, description: String, taskTypes: [TaskType], tools: [any Tool], prompt: String,
        target: TargetRule, parameters: [ParameterDeclaration], needsOneOf: [String],
        resultSchema: JSONValue = AgentResult.schema
    ) {
        self.id = id
        self.name = name
        self.description = description
        self.taskTypes = taskTypes
        self.tools = tools
        self.prompt = prompt
        self.target = target
        self.parameters = parameters
        self.needsOneOf = needsOneOf
        self.resultSchema = resultSchema
    }
}
