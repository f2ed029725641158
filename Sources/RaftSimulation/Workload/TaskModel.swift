import ClusterState

/// What a key is, told by one client alone: the sequential specification that histories are compared with.
enum TaskModel {
    struct State: Hashable {
        var exists = false
        var isCancelled = false
        var total: UInt64 = 0
    }

    /// The state after the operation, or nil if it cannot have given its result in this one.
    static func step(_ state: State, _ kind: Operation.Kind, _ result: Operation.Result) -> State? {
        var next = state
        switch kind {
        case .create:
            if state.exists { return result == .done || result == .unknown ? state : nil }
            next.exists = true
            return result == .done || result == .unknown ? next : nil
        case .add(let amount):
            guard state.exists else { return result == .absent || result == .unknown ? state : nil }
            next.total += amount
            return result == .done || result == .unknown ? next : nil
        case .cancel:
            guard state.exists else { return result == .absent || result == .unknown ? state : nil }
            next.isCancelled = true
            return result == .done || result == .unknown ? next : nil
        case .read:
            switch result {
            case .value(let value): return value == state ? state : nil
            case .unknown: return state
            case .pending, .refused, .done, .absent: return nil
            }
        case .submit: return state
        }
    }
}

extension TaskModel.State {
    init(of key: Int, in state: ClusterState) {
        guard let task = state.task(Workload.taskKey(key)) else {
            self.init()
            return
        }
        self.init(exists: true, isCancelled: task.status == .cancelled, total: task.record.costMicroUsd)
    }
}
