import ClusterState
import Raft

// What the history says in the end.
extension Workload {
    /// The members whose state is final. Beyond the atlas one may never hear what is committed, which is no lie.
    private var finalStates: [Process] {
        world.members.compactMap(\.process).filter {
            !world.options.faults.isBeyondAtlas
                || $0.covered.position.index.rawValue >= UInt64(world.monitor.committed.count)
        }
    }

    /// Every acknowledged write is in the final state, on every member that is up.
    func checkDurability() {
        for process in finalStates {
            let node = process.node
            for key in operationsOfKey.indices where !operationsOfKey[key].isEmpty {
                let final = TaskModel.State(of: key, in: process.machine)
                var acknowledged: UInt64 = 0
                var attempted: UInt64 = 0
                for id in operationsOfKey[key] {
                    let operation = operations[id]
                    switch (operation.kind, operation.result) {
                    case (.create, .done) where !final.exists, (.cancel, .done) where !final.isCancelled:
                        world.fail(
                            Violation(
                                "AckedDurable", "operation \(id), \(operation.kind), is gone from node \(node.id)"))
                    case (.add(let amount), .done):
                        acknowledged += amount
                        attempted += amount
                    case (.add(let amount), .unknown), (.add(let amount), .pending): attempted += amount
                    default: break
                    }
                }
                guard final.total < acknowledged || final.total > attempted else { continue }
                world.fail(
                    Violation(
                        "AckedDurable",
                        "key \(key) of node \(node.id) is \(final.total), with \(acknowledged) acknowledged and \(attempted) attempted"
                    ))
            }
        }
    }

    /// Each key's history, with what the final state says, must have an order.
    func checkLinearizability() {
        let final = finalStates.first?.machine
        for key in operationsOfKey.indices {
            var events: [Linearizability.Event<Operation.Kind, Operation.Result>] = []
            for id in operationsOfKey[key] {
                let operation = operations[id]
                if operation.result == .refused { continue }
                // A read without an answer says nothing.
                if operation.kind == .read, operation.result == .unknown || operation.result == .pending { continue }
                let result = operation.result == .pending ? .unknown : operation.result
                // A read comes after the write whose state it shows.
                let hint = operation.appliedAt.map { $0.rawValue * 2 + (operation.kind == .read ? 1 : 0) }
                events.append(
                    .init(
                        input: operation.kind, output: result, calledAt: operation.calledAt,
                        returnedAt: operation.returnedAt, hint: hint ?? .max))
            }
            guard !events.isEmpty else { continue }
            if let final {
                events.append(
                    .init(
                        input: .read, output: .value(TaskModel.State(of: key, in: final)), calledAt: world.now,
                        returnedAt: world.now, hint: .max - 1))
            }
            let verdict = Linearizability.check(events, from: TaskModel.State(), step: TaskModel.step)
            switch verdict {
            case .linearizable: continue
            case .undecided: undecidedKeys += 1
            case .notLinearizable:
                world.fail(Violation("Linearizability", "the history of key \(key) has no order"))
            }
        }
    }
}
