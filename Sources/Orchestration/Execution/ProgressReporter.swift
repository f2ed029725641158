import ClusterState
import FoundationEssentials
import Synchronization

/// Tells every node how far the tasks that run here have come: at most once, never decided upon.
public final class ProgressReporter: Sendable {
    struct Tick: Codable, Sendable {
        var taskID: String
        var tenant: String
        /// 0 to 100 over the whole task.
        var percent: Int
        var agent: String
        /// What the agent is at.
        var step: String
        var node: String

        enum CodingKeys: String, CodingKey {
            case tenant, percent, agent, step, node
            case taskID = "task_id"
        }
    }

    /// A task is told about at most so often.
    static let interval = Duration.milliseconds(250)

    private let told: Mutex<[TaskKey: ContinuousClock.Instant]> = Mutex([:])
    private let cluster: Cluster

    public init(cluster: Cluster) {
        self.cluster = cluster
    }

    func tell(_ key: TaskKey, percent: Int, agent: String, step: String) {
        let now = ContinuousClock.now
        let mayTell = told.withLock { told in
            if let last = told[key], now - last < Self.interval { return false }
            told[key] = now
            return true
        }
        let tick = Tick(
            taskID: key.id, tenant: key.tenant, percent: percent, agent: agent, step: step,
            node: cluster.configuration.name)
        guard mayTell, let bytes = try? JSONEncoder().encode(tick) else { return }
        cluster.broadcast(.taskProgress, [UInt8](bytes))
    }

    /// The task no longer runs here.
    func forget(_ key: TaskKey) {
        told.withLock { _ = $0.removeValue(forKey: key) }
    }
}
