import Raft

/// Newest first within a tenant: the order of lists.
struct CreatedKey: Comparable, Sendable {
    let task: TaskKey
    let revision: UInt64

    static func < (left: CreatedKey, right: CreatedKey) -> Bool {
        if left.task.tenantPrecedes(right.task) { return true }
        if right.task.tenantPrecedes(left.task) { return false }
        return left.revision == right.revision ? left.task < right.task : left.revision > right.revision
    }
}

/// A task that PostgreSQL has not taken, in the order in which it changed.
struct OutboxKey: Comparable, Sendable {
    let revision: UInt64
    let task: TaskKey

    static func < (left: OutboxKey, right: OutboxKey) -> Bool {
        left.revision == right.revision ? left.task < right.task : left.revision < right.revision
    }
}

/// The order in which runnable tasks get a slot: priority, then the start tag of fair queuing, then arrival.
struct QueueKey: Comparable, Sendable {
    let priority: UInt32
    let tag: UInt64
    let arrival: UInt64
    let task: TaskKey

    static func < (left: QueueKey, right: QueueKey) -> Bool {
        if left.priority != right.priority { return left.priority < right.priority }
        if left.tag != right.tag { return left.tag < right.tag }
        return left.arrival == right.arrival ? left.task < right.task : left.arrival < right.arrival
    }
}

/// A pending task that needs another one to be completed.
struct DependentKey: Comparable, Sendable {
    let dependency: TaskKey
    /// Nil sorts before every dependent.
    let dependent: TaskKey?

    static func < (left: DependentKey, right: DependentKey) -> Bool {
        if left.dependency != right.dependency { return left.dependency < right.dependency }
        guard let rightDependent = right.dependent else { return false }
        guard let leftDependent = left.dependent else { return true }
        return leftDependent < rightDependent
    }
}

/// A task that one boot of a node has.
struct AssignedKey: Comparable, Sendable {
    let boot: SessionKey
    /// Nil sorts before every task.
    let task: TaskKey?

    static func < (left: AssignedKey, right: AssignedKey) -> Bool {
        if left.boot != right.boot { return left.boot < right.boot }
        guard let rightTask = right.task else { return false }
        guard let leftTask = left.task else { return true }
        return leftTask < rightTask
    }
}

/// A flow of fair queuing by the finish tag of its last task.
struct FlowFinishKey: Comparable, Sendable {
    let priority: UInt32
    let finish: UInt64
    let flow: BytesKey

    static func < (left: FlowFinishKey, right: FlowFinishKey) -> Bool {
        if left.priority != right.priority { return left.priority < right.priority }
        return left.finish == right.finish ? left.flow < right.flow : left.finish < right.finish
    }
}

/// What a node can still take.
struct NodeLoad: Equatable, Sendable {
    let node: NodeID
    var boot: BootID
    var slots: Int
    /// Tasks assigned to this boot.
    var used: Int
    var isAvailable: Bool
    /// Tasks that this boot had are still being taken back: it gets none until that is done, so that a release never
    /// meets a younger assignment to the same boot.
    var isReleasing: Bool

    var free: Int { isAvailable && !isReleasing ? max(0, slots - used) : 0 }
}
