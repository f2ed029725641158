/// What a route lets a caller do. Every route names one, or says that it is open.
public enum Permission: String, CaseIterable, Sendable {
    case readTasks = "task:read"
    case createTasks = "task:create"
    case executeTasks = "task:execute"
    case cancelTasks = "task:cancel"
    case monitorSystem = "system:monitor"
    case readCluster = "cluster:read"
    case changeCluster = "cluster:admin"
    case readContract = "contract:read"
}

/// Who calls.
public struct Principal: Hashable, Sendable {
    /// What `created_by` shows, and the unit of fairness and of idempotency keys within a tenant. At most 256 bytes.
    public var name: String
    public var tenant: String

    public init(name: String, tenant: String = "default") {
        self.name = name
        self.tenant = tenant
    }
}

/// Decides who calls and what they may do. Called on event loops: must not wait.
public protocol AccessPolicy: Sendable {
    /// - Parameter authorization: the value of the header `Authorization`.
    /// - Returns: nil if the caller is nobody that this policy knows.
    func principal(authorization: String?) -> Principal?
    func allows(_ principal: Principal, _ permission: Permission) -> Bool
}
