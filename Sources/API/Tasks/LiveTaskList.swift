import ClusterState
import Storage
import Telemetry

/// One page of a list, wherever it comes from.
struct TaskListing {
    var tasks: [StoredTask]
    /// All that match, on every page.
    var total: UInt64
    /// Where the next page begins; nil at the end.
    var next: TaskListCursor?
}

extension TaskListing {
    init(_ list: TaskList) {
        self.init(tasks: list.tasks, total: list.total, next: list.next)
    }
}

/// The list without PostgreSQL: what the live state has, by the same filter and in the same order as the store's.
enum LiveTaskList {
    /// One pass over all of the tenant's tasks, since the total is asked for. The state lists by log index and the
    /// contract by time: nearly the same order, so that the sort has little to do. Blocks on the disk: see
    /// `ClusterState.reading`.
    static func page(
        _ query: TaskListQuery, of state: ClusterState, byteLimit: Int
    ) throws(PayloadError) -> TaskListing {
        var places: [TaskListCursor] = []
        _ = state.tasks(tenant: query.filter.tenant, limit: 1) { task in
            if query.filter.matches(task) {
                places.append(
                    TaskListCursor(createdAt: WallTime(unsigned: task.record.createdWall), taskID: task.key.id))
            }
            // Never taken, or the state would end its pass.
            return false
        }
        places.sort(by: precedes)
        let rest: ArraySlice<TaskListCursor>
        switch query.start {
        case .offset(let offset): rest = places.dropFirst(offset)
        case .after(let cursor): rest = places.drop { !precedes(cursor, $0) }
        }
        var page = TaskListing(tasks: [], total: UInt64(places.count), next: nil)
        var bytes = 0
        for place in rest {
            guard page.tasks.count < query.limit, bytes < byteLimit else {
                page.next = page.tasks.last.map { TaskListCursor(createdAt: $0.createdAt, taskID: $0.key.id) }
                break
            }
            guard let key = TaskKey(tenant: query.filter.tenant, id: place.taskID), let view = state.task(key)
            else { preconditionFailure("the pass found the task in this very state") }
            let task = try StoredTask(view, in: state)
            bytes += task.contentBytes
            page.tasks.append(task)
        }
        return page
    }

    /// By creation time descending, then by id.
    private static func precedes(_ left: TaskListCursor, _ right: TaskListCursor) -> Bool {
        left.createdAt != right.createdAt
            ? left.createdAt > right.createdAt : left.taskID.utf8.lexicographicallyPrecedes(right.taskID.utf8)
    }
}

extension StoredTask {
    /// About what its JSON adds to a page.
    fileprivate var contentBytes: Int {
        1024 + (parameters?.count ?? 0) + 2 * (result?.count ?? 0)
            + executions.reduce(0) { $0 + ($1.result?.count ?? 0) }
    }
}
