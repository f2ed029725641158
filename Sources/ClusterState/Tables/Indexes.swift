import Raft

/// What is looked up often, computed from `Tables` and from nothing else: neither hashed nor in snapshots. Each function
/// is told of one row before and after its change; told of every row of a snapshot it builds the same value
/// (`Tests`: "indexes are a function of the tables").
struct Indexes: Sendable {
    /// Of the one row about the cluster, what every entry needs several times.
    private(set) var settings = Settings().resolved
    private(set) var generation: UInt16 = 0
    private(set) var machineVersion: UInt32 = 1
    /// Nil before ClusterCreated.
    private(set) var clusterID: String?
    private(set) var created = OrderedSet<CreatedKey>()
    private(set) var outbox = OrderedSet<OutboxKey>()
    private(set) var queue = OrderedSet<QueueKey>()
    private(set) var dependents = OrderedSet<DependentKey>()
    private(set) var assigned = OrderedSet<AssignedKey>()
    private(set) var flows = OrderedSet<FlowFinishKey>()
    private(set) var timers = Timers()
    /// By node id; at most `Limits.nodes`.
    private(set) var loads: [NodeLoad] = []

    private(set) var statusCounts = [Int](repeating: 0, count: TaskStatus.allCases.count + 1)
    private var queuedCounts = PriorityCounts()
    private(set) var heldCount = 0
    private(set) var waitingCount = 0
    /// Bytes of tasks that PostgreSQL has not taken.
    private(set) var outboxBytes: UInt64 = 0
    /// Bytes of tasks kept only for their grace: room that eviction can give back.
    private(set) var retainedBytes: UInt64 = 0
    /// Bytes of all other tasks: live, or not in PostgreSQL yet.
    private(set) var pinnedBytes: UInt64 = 0
    /// Result bytes that admission has set aside for live tasks.
    private(set) var reservedBytes: UInt64 = 0
    private(set) var eventBytes: UInt64 = 0
    /// What rows name and the tables do not hold.
    private(set) var payloads = OrderedMap<StateHash, PayloadUse>()

    /// What an event costs in memory beside its record.
    static let eventOverheadBytes: UInt64 = 64
    /// What a task costs in memory beside its rows: keys, nodes of the tables, places in these indexes.
    static let taskOverheadBytes: UInt64 = 1_024

    // MARK: Tasks

    mutating func taskChanged(_ key: TaskKey, from old: TaskRecord?, to new: TaskRecord?) {
        precondition(old != nil || new != nil, "a change has a before or an after")
        if old?.createdRevision != new?.createdRevision {
            if let old { created.remove(CreatedKey(task: key, revision: old.createdRevision)) }
            if let new { created.insert(CreatedKey(task: key, revision: new.createdRevision)) }
        }
        moveInOutbox(key, from: old, to: new)
        moveInQueue(key, from: old, to: new)
        moveOnNodes(key, from: old, to: new)
        moveDependencies(key, from: old?.unmet ?? [], to: new?.unmet ?? [])
        timers.deadlines.reschedule(key, from: old?.deadlineAt ?? 0, to: new?.deadlineAt ?? 0)
        timers.cancelTimeouts.reschedule(key, from: old?.cancelAt ?? 0, to: new?.cancelAt ?? 0)
        timers.evictions.reschedule(key, from: old?.evictAt ?? 0, to: new?.evictAt ?? 0)
        if let old { count(old, by: -1) }
        if let new { count(new, by: 1) }
    }

    private mutating func moveInOutbox(_ key: TaskKey, from old: TaskRecord?, to new: TaskRecord?) {
        let before = old.flatMap { $0.isProjected ? nil : $0.revision }
        let after = new.flatMap { $0.isProjected ? nil : $0.revision }
        guard before != after else { return }
        if let before { outbox.remove(OutboxKey(revision: before, task: key)) }
        if let after { outbox.insert(OutboxKey(revision: after, task: key)) }
    }

    private mutating func moveInQueue(_ key: TaskKey, from old: TaskRecord?, to new: TaskRecord?) {
        let before = old.flatMap { Self.queueKey(of: $0, key) }
        let after = new.flatMap { Self.queueKey(of: $0, key) }
        guard before != after else { return }
        if let before {
            queue.remove(before)
            queuedCounts[before.priority] -= 1
        }
        if let after {
            queue.insert(after)
            queuedCounts[after.priority] += 1
        }
    }

    func queuedCount(ofPriority priority: UInt32) -> Int { queuedCounts[priority] }

    private static func queueKey(of record: TaskRecord, _ key: TaskKey) -> QueueKey? {
        guard record.isRunnable else { return nil }
        return QueueKey(priority: record.priority, tag: record.queueTag, arrival: record.queueIndex, task: key)
    }

    private mutating func moveOnNodes(_ key: TaskKey, from old: TaskRecord?, to new: TaskRecord?) {
        let before = old.flatMap { $0.status.isOnNode ? $0.boot : nil }
        let after = new.flatMap { $0.status.isOnNode ? $0.boot : nil }
        guard before != after else { return }
        if let before {
            assigned.remove(AssignedKey(boot: before, task: key))
            occupy(before, by: -1)
        }
        if let after {
            assigned.insert(AssignedKey(boot: after, task: key))
            occupy(after, by: 1)
        }
    }

    private mutating func occupy(_ boot: SessionKey, by difference: Int) {
        guard let position = position(of: boot.node), loads[position].boot == boot.boot else { return }
        loads[position].used += difference
        precondition(loads[position].used >= 0, "a slot is freed once")
    }

    private mutating func moveDependencies(_ key: TaskKey, from old: [String], to new: [String]) {
        guard !old.isEmpty || !new.isEmpty else { return }
        guard !old.elementsEqual(new, by: { Bytes.equal($0, $1) }) else { return }
        for id in old {
            if let dependency = TaskKey(tenant: key.tenant, id: id) {
                dependents.remove(DependentKey(dependency: dependency, dependent: key))
            }
        }
        for id in new {
            if let dependency = TaskKey(tenant: key.tenant, id: id) {
                dependents.insert(DependentKey(dependency: dependency, dependent: key))
            }
        }
    }

    private mutating func count(_ record: TaskRecord, by sign: Int) {
        statusCounts[Int(record.status.rawValue)] += sign
        if record.status == .pending && record.held { heldCount += sign }
        if record.status == .pending && !record.held && !record.unmet.isEmpty { waitingCount += sign }
        if !record.isProjected { Self.add(record.storedBytes, to: &outboxBytes, sign) }
        let cost = record.storedBytes + Self.taskOverheadBytes
        if record.isRetained {
            Self.add(cost, to: &retainedBytes, sign)
        } else {
            Self.add(cost, to: &pinnedBytes, sign)
        }
        Self.add(record.reservedBytes, to: &reservedBytes, sign)
        precondition(statusCounts[Int(record.status.rawValue)] >= 0, "a task is counted once")
    }

    private static func add(_ amount: UInt64, to total: inout UInt64, _ sign: Int) {
        if sign > 0 { total += amount } else { total -= amount }
    }

    // MARK: The other tables

    mutating func clusterChanged(to new: ClusterRecord) {
        settings = new.settings
        generation = UInt16(truncatingIfNeeded: new.generation)
        machineVersion = new.machineVersion
        clusterID = new.clusterID
    }

    mutating func nodeChanged(_ id: NodeID, to new: NodeRecord) {
        let boot = BootID(new.bootID)
        if let position = position(of: id) {
            if loads[position].boot != boot {
                loads[position].boot = boot
                loads[position].used = 0
                loads[position].isReleasing = false
            }
            loads[position].slots = Int(new.slots)
            loads[position].isAvailable = new.status == .available
        } else {
            let load = NodeLoad(
                node: id, boot: boot, slots: Int(new.slots), used: 0, isAvailable: new.status == .available,
                isReleasing: false)
            loads.insert(load, at: loads.firstIndex { id < $0.node } ?? loads.count)
        }
    }

    mutating func nodeRemoved(_ id: NodeID) {
        loads.removeAll { $0.node == id }
    }

    mutating func releaseChanged(_ boot: SessionKey, isPending: Bool) {
        guard let position = position(of: boot.node), loads[position].boot == boot.boot else { return }
        loads[position].isReleasing = isPending
    }

    mutating func idempotencyChanged(_ key: BytesKey, from old: IdempotencyRecord?, to new: IdempotencyRecord?) {
        timers.idempotencyExpiries.reschedule(key, from: old?.expiresAt ?? 0, to: new?.expiresAt ?? 0)
    }

    mutating func tombstoneChanged(_ key: TaskKey, from old: TombstoneRecord?, to new: TombstoneRecord?) {
        timers.tombstoneExpiries.reschedule(key, from: old?.expiresAt ?? 0, to: new?.expiresAt ?? 0)
    }

    mutating func flowChanged(_ flow: BytesKey, from old: FlowRecord?, to new: FlowRecord?) {
        let priority = UInt32(flow.bytes.first ?? 0)
        if let old { flows.remove(FlowFinishKey(priority: priority, finish: old.finish, flow: flow)) }
        if let new { flows.insert(FlowFinishKey(priority: priority, finish: new.finish, flow: flow)) }
    }

    mutating func eventAdded(byteCount: Int) { eventBytes += UInt64(byteCount) + Self.eventOverheadBytes }
    mutating func eventRemoved(byteCount: Int) { eventBytes -= UInt64(byteCount) + Self.eventOverheadBytes }

    // MARK: Payloads

    /// The new ones come first: what both name never goes.
    mutating func payloadsChanged(from old: [PayloadPart], to new: [PayloadPart]) {
        for part in new { count(part, by: 1) }
        for part in old { count(part, by: -1) }
    }

    private mutating func count(_ part: PayloadPart, by difference: Int) {
        guard let digest = part.digest else { preconditionFailure("records in the state name digests") }
        var use = payloads[digest] ?? PayloadUse(length: part.length, count: 0)
        precondition(use.length == part.length, "a digest has one length")
        if difference > 0 { use.count += 1 } else { use.count -= 1 }
        if use.count == 0 {
            payloads.removeValue(forKey: digest)
        } else {
            payloads.updateValue(use, forKey: digest)
        }
    }

    // MARK: Reading

    func position(of node: NodeID) -> Int? { loads.firstIndex { $0.node == node } }
    func load(of node: NodeID) -> NodeLoad? { position(of: node).map { loads[$0] } }
    var freeSlots: Int { loads.reduce(0) { $0 + $1.free } }

    /// The available node with the most free slots, the lowest id among equals; nil if none has any.
    var roomiestNode: NodeLoad? {
        var best: NodeLoad?
        for load in loads where load.free > (best?.free ?? 0) { best = load }
        return best
    }
}

/// A count for each priority.
private struct PriorityCounts: Sendable {
    private var counts = [Int](repeating: 0, count: 11)

    subscript(priority: UInt32) -> Int {
        get { counts[Int(priority)] }
        set {
            precondition(newValue >= 0, "what is counted out was counted in")
            counts[Int(priority)] = newValue
        }
    }
}
