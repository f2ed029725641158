import Agents
import ClusterState
import Telemetry

/// A client's task while it is read: what is right becomes the specification, what is wrong is listed, all of it.
///
/// `TaskDraft+Fields` reads the fields one by one, `TaskDraft+Plan` the steps.
struct TaskDraft {
    let limits: APILimits
    let text: [UInt8]
    var spec = TaskSpec()
    var problems: [FieldProblem] = []
    var agents: [AgentID]?
    var plan: JSONNode?
    var parameters: [String: Agents.JSONValue] = [:]

    static let fields = [
        "title", "description", "task_type", "target", "parameters", "priority", "agents", "strategy", "plan",
        "depends_on", "auto_execute", "deadline_seconds", "max_attempts", "budget_usd",
    ]

    /// Reads and checks a body. Asks the file system about the target: not for event loops.
    static func read(
        _ text: [UInt8], catalog: AgentCatalog, workspace: Workspace, limits: APILimits
    ) throws(Problem) -> TaskSpec {
        let node: JSONNode
        do throws(JSONError) {
            node = try JSONReader.read(text, limits: limits.json)
        } catch {
            throw Problem(error)
        }
        guard case .object(let members) = node.value else {
            throw Problem(.invalid, "the body must be a JSON object, and is \(node.typeName)")
        }
        var draft = TaskDraft(limits: limits, text: text)
        draft.spec.autoExecute = true
        draft.spec.priority = 5
        for member in members { draft.take(member.name, member.value) }
        draft.requireFields(members)
        draft.choosePlan(catalog)
        draft.validateInputs(catalog, workspace)
        guard draft.problems.isEmpty else {
            throw Problem(draft.isTooLarge ? .tooLarge : .invalid, draft.summary, fields: draft.problems)
        }
        return draft.spec
    }

    private var summary: String? {
        if areMoreProblems { return "more than \(limits.problems) fields are wrong, see errors for the first" }
        return problems.count == 1 ? nil : "\(problems.count) fields are wrong, see errors"
    }

    mutating func refuse(_ field: String, _ message: String) {
        guard problems.count < limits.problems else {
            areMoreProblems = true
            return
        }
        let problem = FieldProblem(field, message)
        if !problems.contains(problem) { problems.append(problem) }
    }

    private mutating func requireFields(_ members: [JSONMember]) {
        for field in ["title", "task_type"] where !members.contains(where: { $0.name == field }) {
            refuse(field, "is required")
        }
    }

    /// The bytes of a value, as the client wrote them.
    func source(of node: JSONNode) -> ArraySlice<UInt8> { text[node.range] }

    /// What the agents say about their inputs.
    private mutating func validateInputs(_ catalog: AgentCatalog, _ workspace: Workspace) {
        for step in spec.steps {
            guard let agent = catalog.agent(AgentID(rawValue: step.agent)) else { continue }
            var inputs = parameters
            if let own = stepParameters[step.id] { inputs.merge(own) { $1 } }
            let input = AgentInput(
                target: spec.target.isEmpty ? nil : spec.target, parameters: inputs, title: spec.title,
                description: spec.description_p)
            for error in agent.validate(input, in: workspace) { refuse(error.field, error.message) }
        }
    }

    /// By step id: what a plan gives a step beside the task's parameters.
    var stepParameters: [String: [String: Agents.JSONValue]] = [:]
    /// Whether more is wrong than is listed.
    private(set) var areMoreProblems = false
    /// Whether one of the problems is a size.
    var isTooLarge = false
}
