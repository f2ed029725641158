import Testing

@testable import Telemetry

@Suite("Declarations")
struct DeclarationTests {
    static func description(
        _ name: String, _ kind: FamilyDescription.Kind = .gauge, help: String = "Help.", unit: MetricUnit = .none,
        labels: [MetricLabel] = [], buckets: [Double] = [], maximumSeries: Int = 10
    ) -> FamilyDescription {
        FamilyDescription(
            name: name, kind: kind, help: help, unit: unit, labels: labels, buckets: buckets,
            maximumSeries: maximumSeries)
    }

    @Test(
        "declarations that a scraper would misread are refused",
        arguments: [
            description(""), description("1a"), description("Amas_x"), description("amas-x"), description("amas:x"),
            description("amas_x", help: ""),
            description("amas_x", .counter), description("_total", .counter), description("amas_x_total"),
            description("amas_x", .info), description("amas_x_info"), description("amas_x_info_total", .counter),
            description("amas_x_count"), description("amas_x_sum"), description("amas_x_bucket"),
            description("amas_x_created"),
            description("amas_x", unit: .seconds), description("amas_seconds_x", unit: .seconds),
            description("amas_x_seconds"), description("amas_x_bytes_total", .counter),
            description("amas_x_milliseconds", unit: .seconds),
            description("amas_x", labels: ["a", "a"]), description("amas_x", labels: ["A"]),
            description("amas_x", labels: ["le"]), description("amas_x", labels: ["quantile"]),
            description("amas_x", labels: [.known("a", ["1", "1"])]),
            description("amas_x", labels: (0...TelemetryLimits.labelsPerFamily).map { .known("l\($0)", []) }),
            description("amas_x", labels: [.known("a", ["1", "2", "3"])], maximumSeries: 2),
            description("amas_x", .histogram), description("amas_x", .histogram, buckets: [1, 1]),
            description("amas_x", .histogram, buckets: [2, 1]), description("amas_x", .histogram, buckets: [.infinity]),
            description("amas_x", .histogram, buckets: [.nan]), description("amas_x", buckets: [1]),
        ])
    func refused(description: FamilyDescription) {
        #expect(description.problem != nil)
    }

    @Test(
        "the names of the reference are accepted",
        arguments: [
            description("amas_raft_leader_last_contact_seconds", unit: .seconds),
            description("amas_raft_commit_index"), description("process_open_fds"),
            description("process_cpu_seconds_total", .counter, unit: .seconds),
            description("amas_agent_cost_usd_total", .counter, unit: .usd),
            description("amas_build_info", .info, labels: [.known("version", ["1"])]),
            description("http_server_request_duration_seconds", .histogram, unit: .seconds, buckets: [1]),
            description("amas_raft_thread_saturation_ratio", unit: .ratio),
            description("amas_x", labels: (1...TelemetryLimits.labelsPerFamily).map { .known("l\($0)", []) }),
        ])
    func accepted(description: FamilyDescription) {
        #expect(description.problem == nil)
    }

    @Test("a wrong declaration stops the node at its start")
    func traps() async {
        await #expect(processExitsWith: .failure) {
            _ = MetricsRegistry().counter("amas_requests", help: "No _total.")
        }
        await #expect(processExitsWith: .failure) {
            let registry = MetricsRegistry()
            _ = registry.counter("amas_x_total", help: "One help.")
            _ = registry.counter("amas_x_total", help: "Another.")
        }
        await #expect(processExitsWith: .failure) {
            let registry = MetricsRegistry()
            _ = registry.counter("amas_x_total", help: "A counter.")
            _ = registry.gauge("amas_x", help: "A gauge whose OpenMetrics family is the counter's.")
        }
        await #expect(processExitsWith: .failure) {
            var limits = TelemetryLimits()
            limits.families = 2
            let registry = MetricsRegistry(limits: limits)
            _ = registry.gauge("amas_first", help: "With the family of overflows, the second.")
            _ = registry.gauge("amas_second", help: "One too many.")
        }
    }
}
