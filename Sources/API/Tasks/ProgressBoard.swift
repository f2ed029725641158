import ClusterState
import Synchronization

/// The last progress tick of each running task, from whatever node runs it. Bounded: the oldest goes first.
final class ProgressBoard: Sendable {
    /// What an executor says while it works. Lost without harm.
    struct Tick: Sendable {
        /// 0 to 100.
        var percent: Int
        var step: String?
    }

    private struct State {
        var ticks: [TaskKey: Tick] = [:]
        /// In the order of their first tick.
        var order: [TaskKey] = []
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    func latest(_ key: TaskKey) -> Tick? { state.withLock { $0.ticks[key] } }

    func put(_ tick: Tick, _ key: TaskKey) {
        state.withLock { state in
            if state.ticks.updateValue(tick, forKey: key) == nil { state.order.append(key) }
            guard state.order.count > limit else { return }
            // A tenth at once, so that a full board does not move its order with every tick.
            let gone = state.order.prefix(max(1, limit / 10))
            for key in gone { state.ticks[key] = nil }
            state.order.removeFirst(gone.count)
        }
    }
}

/// A tick as it travels: `{"task_id","tenant","percent","step",…}`; the rest is for clients and passed on as it is.
struct ProgressMessage: Sendable {
    var key: TaskKey
    var tick: ProgressBoard.Tick
    var json: [UInt8]

    init?(_ bytes: [UInt8]) {
        guard let node = try? JSONReader.read(bytes), let id = node["task_id"]?.stringValue,
            let key = TaskKey(tenant: node["tenant"]?.stringValue ?? "default", id: id)
        else { return nil }
        let percent: Int64 =
            if case .integer(let value)? = (node["percent"] ?? node["progress"])?.value { value } else { 0 }
        self.key = key
        tick = ProgressBoard.Tick(percent: Int(min(max(percent, 0), 100)), step: node["step"]?.stringValue)
        json = bytes
    }
}
