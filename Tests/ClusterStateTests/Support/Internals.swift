import SwiftProtobuf

@testable import ClusterState

/// What tests look at that the product does not show.
extension Cluster {
    var storedOutcomes: Int { state.tables.outcomes.count }
    var idempotencyKeys: Int { state.tables.idempotency.count }
    var tombstones: Int { state.tables.tombstones.count }
    var stepRows: Int { state.tables.steps.count }
    var eventRows: Int { state.tables.events.count }
    var flows: Int { state.tables.flows.count }
    var work: Int { state.tables.work.count }

    /// What a faulty writer could make of the state, and the number of the table that gives it away.
    var statesWithAFault: [(ClusterState, table: UInt8)] {
        var changes = ChangeLog()
        func spoiled(_ spoil: (inout Tables) -> Void) -> ClusterState {
            var copy = state
            spoil(&copy.tables)
            return copy
        }
        guard let task = state.tables.tasks.rows.first else { return [] }
        let step = StepKey(task: task.key, step: 60, attempt: 1)
        return [
            (spoiled { $0.specs.remove(task.key, &changes) }, 6),
            (spoiled { $0.tasks.remove(task.key, &changes) }, 6),
            (spoiled { $0.steps.put(.with { $0.status = .completed }, at: step, &changes) }, 8),
            (spoiled { $0.steps.put(StepRecord(), at: step, &changes) }, 8),
            (spoiled { $0.nodes.put(NodeRecord(), at: NumberKey(1), &changes) }, 2),
            (spoiled { $0.tasks.put(.with { $0.priority = 99 }, at: task.key, &changes) }, 7),
            (spoiled { $0.results.put(ResultRecord(), at: key("nobody"), &changes) }, 9),
        ]
    }
}

extension Outcome {
    var storedAndRead: Outcome? { Outcome(record, tenant: "default") }
}
