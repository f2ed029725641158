import ClusterState
import Telemetry

/// What the live state knows better than PostgreSQL: the tasks of a tenant that PostgreSQL has not taken. Where
/// PostgreSQL turns out to have a newer revision (this node applies later than the projector's), its row counts.
struct LiveOverlay {
    /// A task that matches the filter, at its place in the list.
    struct Match {
        let place: TaskListCursor
        let view: TaskView
    }

    private var revisions: [String: Int64] = [:]
    private(set) var matches: [Match] = []

    /// - Throws: `tooFarBehind`.
    init(_ filter: TaskFilter, of state: ClusterState, limits: StorageLimits) throws(StorageError) {
        let waiting = state.outboxCount
        guard waiting <= limits.mergedTasks else { throw .tooFarBehind(tasks: waiting) }
        for item in state.outbox(limit: waiting, byteLimit: .max) {
            let isOurs = item.key.tenant.utf8.elementsEqual(filter.tenant.utf8)
            guard isOurs, let view = state.task(item.key) else { continue }
            revisions[item.key.id] = item.revision.stored
            guard filter.matches(view) else { continue }
            let place = TaskListCursor(createdAt: WallTime(stored: view.record.createdWall), taskID: item.key.id)
            matches.append(Match(place: place, view: view))
        }
        matches.sort { $0.place.precedes($1.place) }
    }

    var isEmpty: Bool { revisions.isEmpty }
    var ids: [String] { Array(revisions.keys) }
    /// In the order of `ids`.
    var storedRevisions: [Int64] { Array(revisions.values) }

    /// Leaves to PostgreSQL what it has in a newer revision.
    mutating func remove(_ ids: [String]) {
        guard !ids.isEmpty else { return }
        for id in ids { revisions[id] = nil }
        matches.removeAll { revisions[$0.place.taskID] == nil }
    }
}
