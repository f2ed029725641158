import ClusterState
import Orchestration
import Raft
import Storage

/// What a channel looks like now: for a client whose offset can no longer be resumed from.
enum ChannelSnapshot {
    /// Null for a task that is not live.
    static func json(
        of channel: EventChannel, in state: ClusterState, tenant: String, limits: APILimits
    ) -> [UInt8] {
        JSONWriter.document { json in
            switch channel {
            case .task(let id):
                guard let key = TaskKey(tenant: tenant, id: id), let view = state.task(key) else { return json.null() }
                let document = StoredTask(view, in: state)
                let whole = document.encoded()
                if whole.count <= limits.eventBytes { json.raw(whole) } else { brief(document, &json) }
            case .tasks, .agents:
                let tasks = state.tasks(tenant: tenant, limit: limits.snapshotTasks) { !$0.status.isTerminal }.tasks
                json.object { json in
                    json.name("tasks")
                    json.array(of: tasks) { json, view in brief(view, &json) }
                }
            case .providers: json.object { _ in }
            case .cluster:
                json.object { json in
                    json.name("members")
                    json.array(of: state.nodes) { json, node in
                        json.object { json in
                            json.field("member_id", node.id.rawValue)
                            json.field("name", node.record.name)
                            json.field("status", node.status.name)
                        }
                    }
                }
            }
        }
    }

    private static func brief(_ view: TaskView, _ json: inout JSONWriter) {
        json.object { json in
            json.field("task_id", view.key.id)
            json.field("status", view.status.name)
            json.field("progress", view.progressPercent)
            json.field("attempt", view.record.attempt)
            json.field("revision", view.revision.rawValue)
        }
    }

    private static func brief(_ document: StoredTask, _ json: inout JSONWriter) {
        json.object { json in
            json.field("task_id", document.key.id)
            json.field("status", document.status.name)
            json.field("summary", document.summary)
            json.field("revision", document.revision.rawValue)
            json.field("result_url", "/api/v1/tasks/\(document.key.id)")
        }
    }
}
