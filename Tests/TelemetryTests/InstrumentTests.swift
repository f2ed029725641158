import Testing

@testable import Telemetry

@Suite("Instruments")
struct InstrumentTests {
    @Test("nothing is lost when many update while another scrapes")
    func concurrentSums() async throws {
        let registry = MetricsRegistry()
        let events = registry.counter("amas_events_total", help: "Events.")
        let money = registry.counter("amas_money_usd_total", help: "Money.", unit: .usd)
        let depth = registry.gauge("amas_depth", help: "Depth.")
        let waits = registry.histogram("amas_wait_seconds", help: "Waits.", unit: .seconds, buckets: [1, 2])
        let families = registry.counters("amas_labelled_total", help: "By worker parity.", labels: ["parity"])
        let (workers, rounds) = (8, 20_000)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    for round in 0..<rounds {
                        events.increment()
                        money.increment(by: 0.25)
                        depth.add(round.isMultiple(of: 2) ? 2.0 : -1.0)
                        waits.observe(Double(round % 3) + 0.5)
                        if round % 100 == 0 { families.with("\(worker % 2)").increment(by: 100) }
                    }
                }
            }
            group.addTask {
                for _ in 0..<50 { _ = try ExpositionReader(registry.exposition(.openMetrics), format: .openMetrics) }
            }
            try await group.waitForAll()
        }
        let total = workers * rounds
        #expect(events.total == Double(total))
        #expect(money.total == Double(total) / 4)
        #expect(depth.current == Double(total) / 2)
        #expect(families.with("0").total + families.with("1").total == Double(total))
        let thirds = (0..<3).map { remainder in UInt64(workers * (0..<rounds).count { $0 % 3 == remainder }) }
        #expect(waits.current.counts == thirds)
        #expect(waits.current.sum == zip(thirds, [0.5, 1.5, 2.5]).reduce(0) { $0 + Double($1.0) * $1.1 })
    }

    @Test("an observation falls into the first bucket that is not below it")
    func buckets() {
        let bounds: HistogramBuckets = [0, 0.1, 1, 10]
        for value in [-1, 0, 0.05, 0.1, 0.100001, 1, 9.99, 10, 10.01, .infinity] as [Double] {
            let histogram = Histogram(buckets: bounds)
            histogram.observe(value)
            let naive = bounds.upperBounds.firstIndex { value <= $0 } ?? bounds.upperBounds.count
            #expect(histogram.current.counts.firstIndex(of: 1) == naive, "\(value)")
            #expect(histogram.current.count == 1)
            #expect(histogram.current.sum == value)
        }
    }

    @Test("durations are observed in seconds, and NaN not at all")
    func observations() {
        let histogram = Histogram(buckets: [0.5, 1])
        histogram.observe(.milliseconds(250))
        histogram.observe(.seconds(2) + .nanoseconds(500_000_000))
        histogram.observe(.nan)
        #expect(histogram.current == HistogramValue(counts: [1, 0, 1], sum: 2.75))
    }

    @Test("the shared bounds rise and have the edges that the objectives need")
    func sharedBounds() {
        let all: [HistogramBuckets] = [.http, .database, .disk, .network, .generation, .tasks, .bytes, .ratio]
        for bounds in all.map(\.upperBounds) {
            #expect(zip(bounds, bounds.dropFirst()).allSatisfy(<))
        }
        #expect(HistogramBuckets.http.upperBounds.contains(0.2) && HistogramBuckets.http.upperBounds.contains(0.5))
        #expect(HistogramBuckets.disk.upperBounds.prefix(3) == [0.0001, 0.0002, 0.0004])
        #expect(HistogramBuckets.bytes.upperBounds.last == 67_108_864)
    }
}
