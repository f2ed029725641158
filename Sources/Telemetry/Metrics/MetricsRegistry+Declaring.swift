extension MetricsRegistry {
    /// Declares a counter; `name` ends in `_total`.
    public func counter(_ name: String, help: String, unit: MetricUnit = .none) -> Counter {
        counters(name, help: help, unit: unit, labels: []).with()
    }

    public func counters(
        _ name: String, help: String, unit: MetricUnit = .none, labels: [MetricLabel], maximumSeries: Int? = nil
    ) -> CounterFamily {
        declare(describe(name, .counter, help, unit, labels, maximumSeries: maximumSeries)) { Counter() }
    }

    public func gauge(_ name: String, help: String, unit: MetricUnit = .none) -> Gauge {
        gauges(name, help: help, unit: unit, labels: []).with()
    }

    public func gauges(
        _ name: String, help: String, unit: MetricUnit = .none, labels: [MetricLabel], maximumSeries: Int? = nil
    ) -> GaugeFamily {
        declare(describe(name, .gauge, help, unit, labels, maximumSeries: maximumSeries)) { Gauge() }
    }

    public func histogram(_ name: String, help: String, unit: MetricUnit, buckets: HistogramBuckets) -> Histogram {
        histograms(name, help: help, unit: unit, labels: [], buckets: buckets).with()
    }

    public func histograms(
        _ name: String, help: String, unit: MetricUnit, labels: [MetricLabel], buckets: HistogramBuckets,
        maximumSeries: Int? = nil
    ) -> HistogramFamily {
        declare(describe(name, .histogram, help, unit, labels, buckets, maximumSeries: maximumSeries)) {
            Histogram(buckets: buckets)
        }
    }

    /// Declares a family with one series that is constantly 1 and whose labels carry the information; `name` ends in
    /// `_info`.
    public func info(_ name: String, help: String, labels: KeyValuePairs<String, String>) {
        let described = describe(name, .info, help, .none, labels.map { .known($0.key, [$0.value]) })
        let values = labels.map(\.value)
        sample(described) { [MetricSample(values, 1)] }
    }

    private func declare<Instrument>(
        _ description: FamilyDescription, make: @escaping @Sendable () -> Instrument
    ) -> MetricFamily<Instrument> {
        // Checked before the family is made, because making it trusts the declaration.
        if let problem = description.problem { preconditionFailure("metric \(description.name): \(problem)") }
        return register(
            MetricFamily(
                description, labelValueBytes: limits.labelValueBytes,
                overflowed: overflowCounter(for: description), make: make))
    }

    func describe(
        _ name: String, _ kind: FamilyDescription.Kind, _ help: String, _ unit: MetricUnit, _ labels: [MetricLabel],
        _ buckets: HistogramBuckets = [], maximumSeries: Int? = nil
    ) -> FamilyDescription {
        FamilyDescription(
            name: name, kind: kind, help: help, unit: unit, labels: labels, buckets: buckets.upperBounds,
            maximumSeries: labels.isEmpty ? 1 : maximumSeries ?? limits.seriesPerFamily)
    }
}
