import ClusterState

/// What a client can subscribe to.
enum EventChannel: Hashable, Sendable {
    /// Everything about one task.
    case task(String)
    /// The life of every task.
    case tasks
    /// The steps of every task.
    case agents
    case providers
    case cluster

    init?(_ name: String) {
        switch name {
        case "tasks": self = .tasks
        case "agents": self = .agents
        case "providers": self = .providers
        case "cluster": self = .cluster
        default:
            guard name.hasPrefix("task:"), TaskKey(tenant: "t", id: String(name.dropFirst(5))) != nil else {
                return nil
            }
            self = .task(String(name.dropFirst(5)))
        }
    }

    var name: String {
        switch self {
        case .task(let id): "task:\(id)"
        case .tasks: "tasks"
        case .agents: "agents"
        case .providers: "providers"
        case .cluster: "cluster"
        }
    }

    /// Where an event is shown. Those of a tenant are for its members only.
    static func channels(of event: EventRecord) -> [EventChannel] {
        switch event.kind {
        case .taskCreated, .taskExecutionStarted, .taskCompleted, .taskFailed, .taskCancelled, .approvalRequired:
            [.tasks, .task(event.taskID)]
        case .agentStarted, .agentCompleted, .agentFailed: [.agents, .task(event.taskID)]
        case .memberChanged: [.cluster]
        case .breakerChanged: [.providers]
        }
    }

    func shows(_ event: Event, tenant: String) -> Bool {
        guard event.record.tenant.isEmpty || event.record.tenant == tenant else { return false }
        return switch self {
        case .task(let id): event.record.taskID == id
        case .tasks, .agents, .providers, .cluster: Self.channels(of: event.record).contains(self)
        }
    }
}
