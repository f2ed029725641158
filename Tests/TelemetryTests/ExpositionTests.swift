import Testing

@testable import Telemetry

@Suite("Exposition")
struct ExpositionTests {
    static func sampleRegistry() -> MetricsRegistry {
        let registry = MetricsRegistry()
        let requests = registry.counters(
            "amas_requests_total", help: "Requests \"seen\",\nby \\ code.", labels: ["method", "code"])
        requests.with("GET", "200").increment(by: 3)
        requests.with("GET", "a\"b\\c\nd").increment()
        registry.gauge("amas_queue_depth", help: "Things waiting.").set(-2.5)
        registry.gauge("amas_limit_bytes", help: "No limit.", unit: .bytes).set(.infinity)
        let latency = registry.histogram(
            "amas_wait_seconds", help: "Time waited.", unit: .seconds, buckets: [0.1, 1, 2.5])
        for value in [0.05, 0.1, 0.2, 7] { latency.observe(value) }
        registry.info("amas_build_info", help: "What runs.", labels: ["version": "1.0"])
        return registry
    }

    @Test("Prometheus text 0.0.4 looks exactly like this")
    func prometheusText() {
        #expect(
            Self.sampleRegistry().exposition(.prometheusText) == """
                # HELP amas_build_info What runs.
                # TYPE amas_build_info gauge
                amas_build_info{version="1.0"} 1
                # HELP amas_limit_bytes No limit.
                # TYPE amas_limit_bytes gauge
                amas_limit_bytes +Inf
                # HELP amas_metric_series_overflow_total \
                Look-ups answered with the series named other because the family was at its limit.
                # TYPE amas_metric_series_overflow_total counter
                amas_metric_series_overflow_total{family="amas_build_info"} 0
                amas_metric_series_overflow_total{family="amas_requests_total"} 0
                # HELP amas_queue_depth Things waiting.
                # TYPE amas_queue_depth gauge
                amas_queue_depth -2.5
                # HELP amas_requests_total Requests "seen",\\nby \\\\ code.
                # TYPE amas_requests_total counter
                amas_requests_total{method="GET",code="200"} 3
                amas_requests_total{method="GET",code="a\\"b\\\\c\\nd"} 1
                # HELP amas_wait_seconds Time waited.
                # TYPE amas_wait_seconds histogram
                amas_wait_seconds_bucket{le="0.1"} 2
                amas_wait_seconds_bucket{le="1.0"} 3
                amas_wait_seconds_bucket{le="2.5"} 3
                amas_wait_seconds_bucket{le="+Inf"} 4
                amas_wait_seconds_sum 7.35
                amas_wait_seconds_count 4

                """)
    }

    @Test("OpenMetrics names families without suffix, gives units and ends")
    func openMetrics() {
        let text = Self.sampleRegistry().exposition(.openMetrics)
        #expect(
            text.contains(
                """
                # HELP amas_requests Requests \\"seen\\",\\nby \\\\ code.
                # TYPE amas_requests counter
                amas_requests_total{method="GET",code="200"} 3
                """))
        #expect(text.contains("# TYPE amas_build info\namas_build_info{version=\"1.0\"} 1\n"))
        #expect(text.contains("# TYPE amas_wait_seconds histogram\n# UNIT amas_wait_seconds seconds\n"))
        #expect(text.hasSuffix("amas_wait_seconds_count 4\n# EOF\n"))
    }

    @Test("numbers are whole where they are, and readable by Prometheus")
    func numbers() {
        #expect(Exposition.number(0) == "0")
        #expect(Exposition.number(9_007_199_254_740_991) == "9007199254740991")
        #expect(Exposition.number(-17) == "-17")
        #expect(Exposition.number(0.25) == "0.25")
        #expect(Exposition.number(1e300) == "1e+300")
        #expect(Exposition.number(.nan) == "NaN")
        #expect(Exposition.number(-.infinity) == "-Inf")
    }

    @Test("an empty registry is a valid exposition", arguments: ExpositionFormat.allCases)
    func empty(format: ExpositionFormat) throws {
        let read = try ExpositionReader(MetricsRegistry().exposition(format), format: format)
        #expect(read.names.count == 1, "only the family that counts overflows")
    }

    @Test("whatever the labels, a strict reader gets back every value, and twice the same bytes", arguments: 0..<5)
    func roundTrip(round: Int) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        let registry = Self.randomRegistry(seed: seed)
        let snapshots = registry.snapshot()
        for format in ExpositionFormat.allCases {
            let text = registry.exposition(format)
            #expect(text == registry.exposition(format), "seed \(seed)")
            let read: ExpositionReader
            do {
                read = try ExpositionReader(text, format: format)
            } catch {
                Issue.record("\(error), seed \(seed)")
                return
            }
            let names = snapshots.map { format == .openMetrics ? $0.description.familyName : $0.description.name }
            #expect(read.names == names, "seed \(seed)")
            for (snapshot, name) in zip(snapshots, names) {
                let family = try #require(read.families[name])
                #expect(family.help == snapshot.description.help, "seed \(seed)")
                if snapshot.description.kind == .histogram {
                    let histograms = try read.histograms(of: name)
                    #expect(histograms.map(\.labels) == snapshot.series.map(\.labelValues), "seed \(seed)")
                    #expect(histograms.map { .histogram($0.value) } == snapshot.series.map(\.value), "seed \(seed)")
                } else {
                    #expect(
                        family.samples.map { $0.labels.map(\.value) } == snapshot.series.map(\.labelValues),
                        "seed \(seed)")
                    #expect(family.samples.map { .number($0.value) } == snapshot.series.map(\.value), "seed \(seed)")
                }
            }
        }
    }

    static func randomRegistry(seed: UInt64) -> MetricsRegistry {
        var generator = SeededGenerator(seed: seed)
        let registry = MetricsRegistry()
        let requests = registry.counters(
            "amas_requests_total", help: "a \"quoted\" \\ help\ntext", labels: ["method", "code"])
        let spent = registry.counters("amas_spent_usd_total", help: "Money.", unit: .usd, labels: ["provider"])
        let depth = registry.gauges("amas_depth", help: "Depth.", labels: ["queue"])
        let waits = registry.histograms(
            "amas_wait_seconds", help: "Waits.", unit: .seconds, labels: ["route", "code"], buckets: .http)
        for _ in 0..<60 {
            requests.with(generator.hostileText(), generator.hostileText()).increment()
            spent.with(generator.hostileText()).increment(by: Double.random(in: 0...1, using: &generator))
            depth.with(generator.hostileText()).set(Double.random(in: -1e12...1e12, using: &generator))
            waits.with(generator.hostileText(), "200").observe(Double.random(in: 0...20, using: &generator))
        }
        return registry
    }
}
