import ClusterState
import Raft
import Telemetry

extension TaskQuery {
    /// Whether a task of the live state is wanted. The store's query means the same.
    func matches(_ task: TaskView) -> Bool {
        let created = WallTime(unsigned: task.record.createdWall)
        if let status, task.status != status { return false }
        if let priority, task.record.priority != priority { return false }
        if let taskType, task.spec.taskType != taskType { return false }
        if let createdBy, task.spec.createdBy != createdBy { return false }
        if let createdAfter, created < createdAfter { return false }
        if let createdBefore, created >= createdBefore { return false }
        if let agent, !task.spec.steps.contains(where: { $0.agent == agent }) { return false }
        guard let text else { return true }
        let content = "\(task.spec.title) \(task.spec.description_p)".lowercased()
        return text.lowercased().split(separator: " ").allSatisfy { content.contains($0) }
    }
}

/// The list without PostgreSQL: what the live state has.
enum LiveTaskList {
    /// One pass over all of the tenant's tasks, since the total is asked for. The state lists by log index and the contract by
    /// time: nearly the same order, so that the sort has little to do.
    static func page(_ query: TaskQuery, of state: ClusterState, nodeName: (NodeID) -> String) -> TaskListing {
        var matches: [TaskCursor] = []
        _ = state.tasks(tenant: query.tenant, limit: 1) { task in
            if query.matches(task) {
                matches.append(TaskCursor(createdAt: WallTime(unsigned: task.record.createdWall), taskID: task.key.id))
            }
            // Never taken, or the state would end its pass.
            return false
        }
        matches.sort { $0.precedes(createdAt: $1.createdAt, taskID: $1.taskID) }
        let rest: ArraySlice<TaskCursor>
        switch query.start {
        case .offset(let offset): rest = matches.dropFirst(offset)
        case .after(let cursor):
            rest = matches.drop { !cursor.precedes(createdAt: $0.createdAt, taskID: $0.taskID) }
        }
        let page = rest.prefix(query.limit)
        let documents = page.compactMap { place in
            TaskKey(tenant: query.tenant, id: place.taskID).flatMap { state.task($0) }
                .map { TaskDocument($0, in: state, nodeName: nodeName) }
        }
        return TaskListing(
            tasks: documents, total: UInt64(matches.count), next: rest.count > page.count ? page.last : nil)
    }
}
