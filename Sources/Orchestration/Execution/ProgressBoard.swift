public import ClusterState
import FoundationEssentials
import Raft
import Synchronization

/// The finer progress of running tasks, as the executors of all nodes last told it. Never decided upon, and gone with the process.
public final class ProgressBoard: Sendable {
    public struct Entry: Codable, Equatable, Sendable {
        public var tenant: String
        public var taskID: String
        /// 0 to 100 over the whole task.
        public var percent: Int
        public var agent: String
        /// What the agent is at.
        public var step: String
        public var node: UInt64

        enum CodingKeys: String, CodingKey {
            case tenant, percent, agent, step, node
            case taskID = "task_id"
        }
    }

    /// Tasks that are remembered; the oldest word goes first.
    public static let capacity = 10_000
    /// A task's progress is told at most so often.
    static let interval = Duration.milliseconds(250)

    private struct State {
        var entries: [TaskKey: Entry] = [:]
        var order: [TaskKey] = []
        var told: [TaskKey: ContinuousClock.Instant] = [:]
    }

    private let state = Mutex(State())
    private let cluster: Cluster

    public init(cluster: Cluster) {
        self.cluster = cluster
    }

    /// Begins to listen.
    public func start() {
        cluster.subscribe(.taskProgress) { [weak self] _, bytes in
            guard let entry = try? JSONDecoder().decode(Entry.self, from: Data(bytes)) else { return }
            self?.note(entry)
        }
    }

    public func entry(_ key: TaskKey) -> Entry? { state.withLock { $0.entries[key] } }

    /// Tells everybody, unless this task was told a moment ago.
    func tell(_ key: TaskKey, _ entry: Entry) {
        let now = ContinuousClock.now
        let mayTell = state.withLock { state in
            if let last = state.told[key], now - last < Self.interval { return false }
            state.told[key] = now
            return true
        }
        guard mayTell, let bytes = try? JSONEncoder().encode(entry) else { return }
        cluster.broadcast(.taskProgress, [UInt8](bytes))
    }

    func forget(_ key: TaskKey) {
        state.withLock { _ = $0.told.removeValue(forKey: key) }
    }

    private func note(_ entry: Entry) {
        guard let key = TaskKey(tenant: entry.tenant, id: entry.taskID) else { return }
        state.withLock { state in
            if state.entries.updateValue(entry, forKey: key) == nil { state.order.append(key) }
            if state.order.count > Self.capacity {
                let oldest = state.order.removeFirst()
                state.entries[oldest] = nil
            }
        }
    }
}
