import CoreMetrics
import Testing

@testable import Telemetry

@Suite("swift-metrics")
struct SwiftMetricsTests {
    @Test("what libraries report arrives in the declared families")
    func forwarding() {
        let registry = MetricsRegistry()
        let requests = registry.counters("lib_requests_total", help: "Requests.", labels: ["method", "code"])
        let seconds = registry.counter("lib_busy_seconds_total", help: "Busy.", unit: .seconds)
        let depth = registry.gauge("lib_depth", help: "Depth.")
        let sizes = registry.histogram("lib_size_bytes", help: "Sizes.", unit: .bytes, buckets: [10])
        let waits = registry.histogram("lib_wait_seconds", help: "Waits.", unit: .seconds, buckets: [1])
        let factory = registry.swiftMetricsFactory()

        let counter = CoreMetrics.Counter(
            label: "lib_requests_total", dimensions: [("code", "200"), ("method", "GET")], factory: factory)
        counter.increment(by: 2)
        counter.reset()
        counter.destroy()
        FloatingPointCounter(label: "lib_busy_seconds_total", factory: factory).increment(by: 0.5)
        let meter = Meter(label: "lib_depth", factory: factory)
        meter.set(5)
        meter.increment(by: 2.0)
        meter.decrement()
        Recorder(label: "lib_size_bytes", factory: factory).record(7)
        CoreMetrics.Timer(label: "lib_wait_seconds", factory: factory).recordMilliseconds(1500)

        #expect(requests.with("GET", "200").total == 2)
        #expect(seconds.total == 0.5)
        #expect(depth.current == 6)
        #expect(sizes.current == HistogramValue(counts: [1, 0], sum: 7))
        #expect(waits.current == HistogramValue(counts: [0, 1], sum: 1.5))
        CoreMetrics.Gauge(label: "lib_depth", factory: factory).record(9)
        #expect(depth.current == 9)
    }

    @Test("dimensions must be the declared labels")
    func dimensions() {
        let family = DeclarationTests.description("lib_x", labels: ["a", "b"])
        #expect(SwiftMetricsFactory.labelValues(of: family, in: [("b", "2"), ("a", "1")]) == ["1", "2"])
        #expect(SwiftMetricsFactory.labelValues(of: family, in: [("a", "1")]) == nil)
        #expect(SwiftMetricsFactory.labelValues(of: family, in: [("a", "1"), ("c", "2")]) == nil)
        #expect(SwiftMetricsFactory.labelValues(of: family, in: [("a", "1"), ("b", "2"), ("c", "3")]) == nil)
    }

    #if DEBUG
        @Test("an undeclared name stops a debug build")
        func undeclared() async {
            await #expect(processExitsWith: .failure) {
                _ = CoreMetrics.Counter(label: "lib_unknown_total", factory: MetricsRegistry().swiftMetricsFactory())
            }
        }
    #else
        @Test("an undeclared name is ignored and counted in a release build")
        func undeclared() {
            let registry = MetricsRegistry()
            let factory = registry.swiftMetricsFactory()
            CoreMetrics.Counter(label: "lib_unknown_total", factory: factory).increment()
            FloatingPointCounter(label: "lib_unknown_total", factory: factory).increment(by: 1.5)
            CoreMetrics.Timer(label: "lib_unknown", factory: factory).recordSeconds(1)
            #expect(registry.exposition(.prometheusText).contains("\namas_metric_undeclared_total 3\n"))
            #expect(!registry.exposition(.prometheusText).contains("lib_unknown"))
        }
    #endif
}
