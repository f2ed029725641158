import Telemetry

/// The figures of this room.
struct APIMetrics: Sendable {
    let activeRequests: Gauge
    private let requestDuration: HistogramFamily
    let refusals: CounterFamily
    let idempotencyReplays: Counter
    let sockets: Gauge
    let subscriptions: Gauge
    let socketResumes: CounterFamily
    let socketDisconnects: CounterFamily
    let socketEvents: Counter
    let socketQueue: Gauge
    let eventLag: Histogram
    let draining: Gauge

    init(registry: MetricsRegistry) {
        activeRequests = registry.gauge("http_server_active_requests", help: "Requests being worked on.")
        requestDuration = registry.histograms(
            "http_server_request_duration_seconds", help: "From the request's head to its answer.", unit: .seconds,
            labels: ["http_request_method", "http_route", "http_response_status_code"], buckets: .http)
        refusals = registry.counters(
            "amas_admission_rejections_total", help: "Requests refused for lack of room.",
            labels: [.known("reason", ["in_flight", "budget", "idempotency_table", "window", "sockets"])])
        idempotencyReplays = registry.counter(
            "amas_idempotency_replays_total", help: "Requests answered with the outcome of an earlier one.")
        sockets = registry.gauge("amas_websocket_connections_active", help: "Open WebSockets.")
        subscriptions = registry.gauge("amas_ws_subscriptions", help: "Channels that clients have subscribed to.")
        socketResumes = registry.counters(
            "amas_ws_resume_total", help: "Subscriptions with an offset to resume from.",
            labels: [.known("result", ["recovered", "gone", "other_epoch"])])
        socketDisconnects = registry.counters(
            "amas_ws_disconnects_total", help: "WebSockets closed, by close code.", labels: ["code"])
        socketEvents = registry.counter("amas_ws_events_sent_total", help: "Events handed to clients.")
        socketQueue = registry.gauge(
            "amas_ws_send_queue_bytes", help: "Bytes that wait for slow clients.", unit: .bytes)
        eventLag = registry.histogram(
            "amas_ws_event_lag_seconds", help: "From an event's wall time to its way out.", unit: .seconds,
            buckets: .network)
        draining = registry.gauge("amas_drain_state", help: "1 while the node drains.")
    }

    /// Methods that are not ours are counted together: the label's values must stay few.
    func observe(_ method: String, _ route: String, _ status: Int, _ elapsed: Duration) {
        let known = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"]
        requestDuration.with(known.contains(method) ? method : "_OTHER", route, String(status)).observe(elapsed)
    }
}
