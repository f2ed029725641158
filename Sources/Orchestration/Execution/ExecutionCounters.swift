public import Telemetry

/// What executors count.
public struct ExecutionCounters: Sendable {
    let started: Counter
    let fenced: Counter
    let running: Gauge

    public init(registry: MetricsRegistry) {
        started = registry.counter(
            "amas_task_starts_total",
            help: "Attempts at tasks that began on this node; a task may be begun more than once.")
        fenced = registry.counter(
            "amas_task_fenced_commits_total",
            help: "Steps and results of this node that were refused because another node has the task.")
        running = registry.gauge("amas_tasks_running", help: "Tasks that run on this node.")
    }
}
