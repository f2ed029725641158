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
                // What lies on the disk is fetched by the client: nobody waits for a disk here.
                let whole = (try? StoredTask(view, in: state, within: .memory))?.encoded()
                if let whole, whole.count <= limits.eventBytes {
                    json.raw(whole)
                } else {
                    withoutContent(view, &json)
                }
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

    private static func withoutContent(_ view: TaskView, _ json: inout JSONWriter) {
        json.object { json in
            json.field("task_id", view.key.id)
            json.field("status", view.status.name)
            json.field("summary", view.record.summary.isEmpty ? nil : view.record.summary)
            json.field("revision", view.revision.rawValue)
            json.field("result_url", "/api/v1/tasks/\(view.key.id)")
        }
    }
}
