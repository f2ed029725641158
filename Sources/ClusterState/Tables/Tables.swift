/// Everything that is replicated, hashed and carried by snapshots. `Indexes` is computed from it.
struct Tables: Sendable {
    var cluster = Table<SingleKey, ClusterRecord>(.cluster)
    var nodes = Table<NumberKey, NodeRecord>(.nodes)
    var sessions = Table<SessionKey, SessionRecord>(.sessions)
    var outcomes = Table<OutcomeKey, OutcomeRecord>(.outcomes)
    var idempotency = Table<BytesKey, IdempotencyRecord>(.idempotency)
    var specs = Table<TaskKey, TaskSpec>(.specs)
    var tasks = Table<TaskKey, TaskRecord>(.tasks)
    var steps = Table<StepKey, StepRecord>(.steps)
    var results = Table<TaskKey, ResultRecord>(.results)
    var tombstones = Table<TaskKey, TombstoneRecord>(.tombstones)
    var buckets = Table<NumberKey, EvictionBucketRecord>(.buckets)
    var events = Table<EventOffset, EventRecord>(.events)
    var flows = Table<BytesKey, FlowRecord>(.flows)
    var priorities = Table<NumberKey, PriorityRecord>(.priorities)
    var work = Table<WorkKey, WorkRecord>(.work)
    var totals = Table<SingleKey, TotalsRecord>(.totals)
}
