import Synchronization
import Testing

@testable import Telemetry

@Suite("Families")
struct FamilyTests {
    @Test("at its limit a family sends new label values to one series named other, and counts it")
    func overflow() throws {
        let registry = MetricsRegistry()
        let family = registry.counters(
            "amas_things_total", help: "Things.", labels: ["kind", "place"], maximumSeries: 3)
        for kind in ["a", "b", "c"] { family.with(kind, "x").increment() }
        let overflows = try #require(registry.family(named: "amas_metric_series_overflow_total") as? CounterFamily)
        #expect(overflows.with("amas_things_total").total == 0)
        family.with("d", "x").increment()
        family.with("e", "y").increment()
        family.with("a", "x").increment()
        #expect(overflows.with("amas_things_total").total == 2)
        #expect(
            family.snapshot().series.map(\.labelValues) == [["a", "x"], ["b", "x"], ["c", "x"], ["other", "other"]])
        #expect(family.with("other", "other").total == 2)
        #expect(family.with("a", "x").total == 2)
    }

    @Test("a sampled family shows no more series than its limit")
    func sampledOverflow() throws {
        let registry = MetricsRegistry()
        registry.gauges("amas_lag", help: "Lag.", labels: ["peer"], maximumSeries: 2) {
            [MetricSample(["3"], 3), MetricSample(["1"], 1), MetricSample(["1"], 9), MetricSample(["2"], 2)]
        }
        let lag = try #require(registry.snapshot().first { $0.description.name == "amas_lag" })
        #expect(lag.series.map(\.labelValues) == [["1"], ["3"]])
        #expect(lag.series.map(\.value) == [.number(1), .number(3)])
    }

    @Test("label values are cut at their limit, at a character's border")
    func labelLength() {
        var limits = TelemetryLimits()
        limits.labelValueBytes = 5
        let registry = MetricsRegistry(limits: limits)
        let family = registry.counters("amas_things_total", help: "Things.", labels: ["kind"])
        family.with("12345").increment()
        family.with("1234567").increment()
        family.with("abcdé").increment()
        #expect(family.snapshot().series.map(\.labelValues) == [["12345"], ["abcd"]])
        #expect(family.with("12345").total == 2)
    }

    @Test("known label values exist from the start, in all combinations")
    func known() {
        let registry = MetricsRegistry()
        let family = registry.counters(
            "amas_ops_total", help: "Operations.",
            labels: [.known("op", ["read", "write"]), .known("result", ["failed", "ok"])])
        #expect(
            family.snapshot().series.map(\.labelValues) == [
                ["read", "failed"], ["read", "ok"], ["write", "failed"], ["write", "ok"],
            ])
        let half = registry.counters("amas_half_total", help: "Half.", labels: [.known("op", ["a"]), "peer"])
        #expect(half.snapshot().series.isEmpty)
    }

    @Test("declared alike twice, a family is one; a sampled one takes the newer closure")
    func twice() {
        let registry = MetricsRegistry()
        registry.counter("amas_events_total", help: "Events.").increment()
        registry.counter("amas_events_total", help: "Events.").increment()
        #expect(registry.counter("amas_events_total", help: "Events.").total == 2)
        registry.gauge("amas_age", help: "Age.", sampledBy: { 1 })
        registry.gauge("amas_age", help: "Age.", sampledBy: { 2 })
        #expect(registry.exposition(.prometheusText).contains("\namas_age 2\n"))
        registry.gauge("amas_age", help: "Age.", sampledBy: { nil })
        #expect(!registry.exposition(.prometheusText).contains("\namas_age "))
    }

    @Test("an info may change what it says")
    func changingInfo() {
        let registry = MetricsRegistry()
        let hash = Mutex<String?>(nil)
        registry.info(
            "amas_state_hash_info", help: "Hash.", labels: ["hash"], sampledBy: { hash.withLock { $0.map { [$0] } } })
        #expect(!registry.exposition(.openMetrics).contains("amas_state_hash_info{"))
        for value in ["ab", "cd"] {
            hash.withLock { $0 = value }
            #expect(registry.exposition(.openMetrics).contains("amas_state_hash_info{hash=\"\(value)\"} 1\n"))
        }
    }

    @Test("registries are apart")
    func registries() {
        let (first, second) = (MetricsRegistry(), MetricsRegistry())
        first.counter("amas_events_total", help: "Events.").increment()
        #expect(second.counter("amas_events_total", help: "Other.").total == 0)
        #expect(second.descriptions.map(\.name) == ["amas_events_total", "amas_metric_series_overflow_total"])
    }
}
