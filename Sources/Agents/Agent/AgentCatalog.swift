/// The agents that a node knows, and the table from task types to them.
///
/// A value: a changed set of agents is a new catalog.
public struct AgentCatalog: Sendable {
    /// In the order given.
    public let declarations: [AgentDeclaration]
    private let positions: [AgentID: Int]
    private let routes: [TaskType: [AgentID]]

    /// - Precondition: no two declarations have the same id. Ids that clients choose are checked before they come here.
    public init(_ declarations: [AgentDeclaration]) {
        self.declarations = declarations
        var positions: [AgentID: Int] = [:]
        var routes: [TaskType: [AgentID]] = [:]
        for (position, declaration) in declarations.enumerated() {
            precondition(positions[declaration.id] == nil, "two agents are called \(declaration.id)")
            positions[declaration.id] = position
            for type in declaration.taskTypes { routes[type, default: []].append(declaration.id) }
        }
        self.positions = positions
        self.routes = routes
    }

    /// The agents that AMAS ships.
    public static func builtIn(limits: Limits = Limits()) -> AgentCatalog {
        AgentCatalog([.codeAnalysis(limits: limits)])
    }

    /// The agent of that id.
    public func agent(_ id: AgentID) -> AgentDeclaration? {
        positions[id].map { declarations[$0] }
    }

    /// The agents that take tasks of that type, best first; empty for a type that no agent takes.
    public func agents(for type: TaskType) -> [AgentID] {
        routes[type] ?? []
    }

    /// Every task type that some agent takes, sorted.
    public var taskTypes: [TaskType] {
        routes.keys.sorted { $0.rawValue.utf8.lexicographicallyPrecedes($1.rawValue.utf8) }
    }
}
