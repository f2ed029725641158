import Postgres
import Telemetry

/// What the connections to PostgreSQL do.
struct DatabaseMetrics: PostgresObserver {
    private let duration: HistogramFamily
    private let failures: CounterFamily
    private let changes: CounterFamily
    private let registry: MetricsRegistry

    init(registry: MetricsRegistry) {
        self.registry = registry
        duration = registry.histograms(
            "amas_db_query_duration_seconds", help: "From the call to the answer, waiting for a connection included.",
            unit: .seconds, labels: ["operation"], buckets: .database)
        failures = registry.counters(
            "amas_db_query_failures_total", help: "Requests that PostgreSQL did not answer as asked.",
            labels: ["operation"])
        changes = registry.counters(
            "amas_db_connection_changes_total", help: "Connections opened, lost, and refused.",
            labels: [.known("change", ["opened", "lost", "refused"])])
    }

    /// - Parameter pools: by what they are for.
    func register(_ pools: [(name: String, pool: PostgresPool)]) {
        func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable (PostgresPoolUsage) -> Int) {
            registry.gauges(
                name, help: help, labels: ["pool"],
                sampledBy: { pools.map { MetricSample([$0.name], Double(value($0.pool.usage))) } })
        }
        gauge("amas_db_connections", "Connections that stand.") { $0.connected }
        gauge("amas_db_connections_busy", "Connections that work.") { $0.busy }
        gauge("amas_db_requests_pending", "Requests that wait for a connection.") { $0.queued }
    }

    func requestFinished(_ report: PostgresRequestReport) {
        let operation = "\(report.operation)"
        duration.with(operation).observe(report.queued + report.ran)
        if report.failure != nil { failures.with(operation).increment() }
    }

    func connectionChanged(_ change: PostgresConnectionChange) {
        switch change {
        case .opened: changes.with("opened").increment()
        case .lost: changes.with("lost").increment()
        case .refused: changes.with("refused").increment()
        }
    }
}
