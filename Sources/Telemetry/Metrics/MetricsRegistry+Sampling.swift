import Synchronization

/// Families whose values are kept elsewhere and read when a scrape asks: the log's size, the queue of a pool, the
/// process's memory.
///
/// The closure runs on the scraping thread, each time. It must not block, and it must not hold what it reads alive
/// beyond its owner's life. Declaring such a family again puts the new closure in the place of the old one, so a part
/// that is started again reports its own values.
extension MetricsRegistry {
    /// Nil stands for a value that cannot be had: the family then has no series in this scrape.
    public func gauge(
        _ name: String, help: String, unit: MetricUnit = .none, sampledBy sample: @escaping @Sendable () -> Double?
    ) {
        self.sample(describe(name, .gauge, help, unit, [])) {
            sample().map { [MetricSample([], $0)] } ?? []
        }
    }

    public func gauges(
        _ name: String, help: String, unit: MetricUnit = .none, labels: [MetricLabel], maximumSeries: Int? = nil,
        sampledBy sample: @escaping @Sendable () -> [MetricSample]
    ) {
        self.sample(describe(name, .gauge, help, unit, labels, maximumSeries: maximumSeries), by: sample)
    }

    /// The closure's value must not fall while the process lives.
    public func counter(
        _ name: String, help: String, unit: MetricUnit = .none, sampledBy sample: @escaping @Sendable () -> Double?
    ) {
        self.sample(describe(name, .counter, help, unit, [])) {
            sample().map { [MetricSample([], $0)] } ?? []
        }
    }

    /// The closure's values must not fall while the process lives.
    public func counters(
        _ name: String, help: String, unit: MetricUnit = .none, labels: [MetricLabel], maximumSeries: Int? = nil,
        sampledBy sample: @escaping @Sendable () -> [MetricSample]
    ) {
        self.sample(describe(name, .counter, help, unit, labels, maximumSeries: maximumSeries), by: sample)
    }

    /// A series that is constantly 1 and whose labels change, such as the hash of the state; nil for none at present.
    public func info(
        _ name: String, help: String, labels: [MetricLabel], sampledBy sample: @escaping @Sendable () -> [String]?
    ) {
        self.sample(describe(name, .info, help, .none, labels)) {
            sample().map { [MetricSample($0, 1)] } ?? []
        }
    }

    func sample(_ description: FamilyDescription, by sample: @escaping @Sendable () -> [MetricSample]) {
        let family = SampledFamily(
            description, labelValueBytes: limits.labelValueBytes, overflowed: overflowCounter(for: description))
        register(family).replaceSource(with: sample)
    }
}

final class SampledFamily: RegisteredFamily {
    let description: FamilyDescription
    private let labelValueBytes: Int
    private let overflowed: Counter?
    private let source = Mutex<@Sendable () -> [MetricSample]>({ [] })

    init(_ description: FamilyDescription, labelValueBytes: Int, overflowed: Counter?) {
        self.description = description
        self.labelValueBytes = labelValueBytes
        self.overflowed = overflowed
    }

    func replaceSource(with source: @escaping @Sendable () -> [MetricSample]) {
        self.source.withLock { $0 = source }
    }

    /// Samples with one set of labels are reduced to the first, and those past the limit are left out and counted:
    /// added up under `other`, as updates are, gauges would mean nothing.
    func snapshot() -> FamilySnapshot {
        let sample = source.withLock { $0 }
        var series: [[String]: Double] = [:]
        for sample in sample() {
            let labelValues = sample.labelValues.map { $0.cut(toBytes: labelValueBytes) }
            guard labelValues.count == description.labels.count else {
                assertionFailure("\(description.name) has other labels")
                continue
            }
            if series[labelValues] != nil { continue }
            if series.count < description.maximumSeries {
                series[labelValues] = sample.value
            } else {
                overflowed?.increment()
            }
        }
        return FamilySnapshot(
            description: description,
            unordered: series.map { FamilySnapshot.Series(labelValues: $0.key, value: .number($0.value)) })
    }
}
