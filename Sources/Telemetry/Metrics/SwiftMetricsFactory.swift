public import CoreMetrics

extension MetricsRegistry {
    /// The back-end of swift-metrics for libraries that report through it:
    /// `MetricsSystem.bootstrap(registry.swiftMetricsFactory())`.
    ///
    /// A label must be the name of a family that is declared here, and its dimensions that family's labels in any
    /// order: counters report to counters, meters and non-aggregating recorders to gauges, timers and aggregating
    /// recorders to histograms (timers in seconds). Anything else stops a debug build; a release ignores its values and
    /// counts it in `amas_metric_undeclared_total`, because an update of a library must not end a node. Sampled
    /// families take no values.
    public func swiftMetricsFactory() -> any MetricsFactory {
        SwiftMetricsFactory(registry: self)
    }
}

final class SwiftMetricsFactory: MetricsFactory {
    private let registry: MetricsRegistry
    private let undeclared: Counter

    init(registry: MetricsRegistry) {
        self.registry = registry
        undeclared = registry.counter(
            "amas_metric_undeclared_total",
            help: "Metrics of libraries that are not declared and whose values are ignored.")
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, of: Counter.self).map(ForwardingCounter.init) ?? NOOPMetricsHandler.instance
    }

    func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        series(label, dimensions, of: Counter.self).map(ForwardingCounter.init) ?? IgnoringFloatingPointCounter()
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, of: Gauge.self).map(ForwardingGauge.init) ?? NOOPMetricsHandler.instance
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            return series(label, dimensions, of: Histogram.self).map(ForwardingHistogram.init)
                ?? NOOPMetricsHandler.instance
        }
        return series(label, dimensions, of: Gauge.self).map(ForwardingGauge.init) ?? NOOPMetricsHandler.instance
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, of: Histogram.self).map(ForwardingHistogram.init) ?? NOOPMetricsHandler.instance
    }

    // A series lives as long as its family: a counter that vanished and came back would look like a restart of the
    // node.
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    private func series<Instrument: MetricInstrument>(
        _ label: String, _ dimensions: [(String, String)], of kind: Instrument.Type
    ) -> Instrument? {
        guard let family = registry.family(named: label) as? MetricFamily<Instrument>,
            let labelValues = Self.labelValues(of: family.description, in: dimensions)
        else {
            assertionFailure("\(label)\(dimensions.map(\.0)) is not declared as a family of \(kind)")
            undeclared.increment()
            return nil
        }
        return family.with(labelValues)
    }

    /// The dimensions' values in the order of the family's labels; nil if the names differ.
    static func labelValues(of family: FamilyDescription, in dimensions: [(String, String)]) -> [String]? {
        guard dimensions.count == family.labels.count else { return nil }
        let values = family.labels.compactMap { label in dimensions.first { $0.0 == label.name }?.1 }
        return values.count == family.labels.count ? values : nil
    }
}

private final class ForwardingCounter: CounterHandler, FloatingPointCounterHandler {
    private let counter: Counter

    init(_ counter: Counter) {
        self.counter = counter
    }

    func increment(by amount: Int64) { counter.increment(by: Int(amount)) }
    func increment(by amount: Double) { counter.increment(by: amount) }
    /// Ignored: a Prometheus counter only falls when its process starts anew.
    func reset() {}
}

private final class ForwardingGauge: MeterHandler, RecorderHandler {
    private let gauge: Gauge

    init(_ gauge: Gauge) {
        self.gauge = gauge
    }

    func set(_ value: Int64) { gauge.set(Double(value)) }
    func set(_ value: Double) { gauge.set(value) }
    func increment(by amount: Double) { gauge.add(amount) }
    func decrement(by amount: Double) { gauge.add(-amount) }
    func record(_ value: Int64) { gauge.set(Double(value)) }
    func record(_ value: Double) { gauge.set(value) }
}

private final class ForwardingHistogram: RecorderHandler, TimerHandler {
    private let histogram: Histogram

    init(_ histogram: Histogram) {
        self.histogram = histogram
    }

    func record(_ value: Int64) { histogram.observe(Double(value)) }
    func record(_ value: Double) { histogram.observe(value) }
    func recordNanoseconds(_ duration: Int64) { histogram.observe(Double(duration) * 1e-9) }
}

private final class IgnoringFloatingPointCounter: FloatingPointCounterHandler {
    func increment(by amount: Double) {}
    func reset() {}
}
