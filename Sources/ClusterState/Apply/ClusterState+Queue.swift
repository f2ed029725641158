import Raft

/// Who runs what. Runnable tasks wait in the order of priority, then of start-time fair queuing over (tenant, principal),
/// then of arrival; the head goes to the node with the most free slots.
///
/// Start-time fair queuing (Goyal, Vin, Cheng 1996) with integers and a cost of 1 a task: a task starts at the later of its
/// flow's last finish and the priority's virtual time, and finishes one later. Who submits a thousand tasks at once gets
/// start tags a thousand ahead and lets others pass. Virtual time is the start tag last served; at the end of a busy
/// period it moves to the greatest finish, and flows that lie behind it are forgotten, because they count as new.
extension ClusterState {
    /// Flows forgotten at a time: more than one comes in with each task.
    private static let flowsSweptAtOnce = 4

    /// Gives a task its place in the queue, or the free slot at once if nobody waits. The caller writes the record.
    mutating func makeRunnable(_ record: inout TaskRecord, at key: TaskKey, principal: String) {
        precondition(record.isRunnable, "the task waits for nothing but a slot")
        record.queueIndex = position.index.rawValue
        record.queueTag = 0
        if indexes.queue.isEmpty, entry.assignmentsLeft > 0, let node = indexes.roomiestNode {
            assign(&record, at: key, to: node)
            return
        }
        let priority = NumberKey(UInt64(record.priority))
        let flow = BytesKey([key.tenant.utf8, principal.utf8], prefix: [UInt8(truncatingIfNeeded: record.priority)])
        var order = tables.priorities[priority] ?? PriorityRecord()
        if indexes.queuedCount(ofPriority: record.priority) == 0 { order.virtualTime = order.greatestFinish }
        let old = tables.flows[flow]
        record.queueTag = max(order.virtualTime, old?.finish ?? 0)
        var new = FlowRecord()
        new.finish = record.queueTag + 1
        order.greatestFinish = max(order.greatestFinish, new.finish)
        indexes.flowChanged(flow, from: old, to: new)
        tables.flows.put(new, at: flow, &entry.changes)
        tables.priorities.put(order, at: priority, &entry.changes)
        sweepFlows(ofPriority: record.priority, behind: order.virtualTime)
    }

    /// Serves the queue as far as slots and the bound of one entry reach.
    mutating func assignQueued() {
        while entry.assignmentsLeft > 0, let head = indexes.queue.first, let node = indexes.roomiestNode {
            guard var record = tables.tasks[head.task] else { preconditionFailure("the queue holds live tasks") }
            precondition(record.isRunnable, "the queue holds runnable tasks")
            assign(&record, at: head.task, to: node)
            putTask(record, at: head.task)
            advanceVirtualTime(served: head)
        }
    }

    private mutating func assign(_ record: inout TaskRecord, at key: TaskKey, to node: NodeLoad) {
        precondition(node.free > 0 && entry.assignmentsLeft > 0, "there is room")
        entry.assignmentsLeft -= 1
        record.status = .assigned
        record.epoch = position.index.rawValue
        record.nodeID = node.node.rawValue
        record.bootID = node.boot.rawValue
        touch(&record)
        entry.assignments.append(.assigned(key, Assignment(record)))
    }

    private mutating func advanceVirtualTime(served head: QueueKey) {
        let key = NumberKey(UInt64(head.priority))
        // A priority that never had to queue has no time to keep.
        guard var order = tables.priorities[key] else { return }
        let isIdle = indexes.queuedCount(ofPriority: head.priority) == 0
        let time = max(order.virtualTime, isIdle ? order.greatestFinish : head.tag)
        if time > order.virtualTime {
            order.virtualTime = time
            tables.priorities.put(order, at: key, &entry.changes)
        }
        sweepFlows(ofPriority: head.priority, behind: time)
    }

    private mutating func sweepFlows(ofPriority priority: UInt32, behind time: UInt64) {
        let start = FlowFinishKey(priority: priority, finish: 0, flow: BytesKey([]))
        for _ in 0..<Self.flowsSweptAtOnce {
            guard let flow = indexes.flows.first(from: start), flow.priority == priority, flow.finish <= time,
                let row = tables.flows.remove(flow.flow, &entry.changes)
            else { return }
            indexes.flowChanged(flow.flow, from: row.record, to: nil)
        }
    }
}
