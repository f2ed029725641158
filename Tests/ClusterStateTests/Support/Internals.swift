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
}

extension Outcome {
    var storedAndRead: Outcome? { Outcome(record, tenant: "default") }
}
