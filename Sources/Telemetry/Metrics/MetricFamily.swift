import Synchronization

public typealias CounterFamily = MetricFamily<Counter>
public typealias GaugeFamily = MetricFamily<Gauge>
public typealias HistogramFamily = MetricFamily<Histogram>

/// All series of one name. Finding a series takes a lock and a look-up; hold the instrument where that matters.
public final class MetricFamily<Instrument: MetricInstrument>: Sendable {
    /// The label value of the series that takes what exceeds the family's limit.
    static var overflowLabelValue: String { "other" }

    public let description: FamilyDescription
    private let labelValueBytes: Int
    private let make: @Sendable () -> Instrument
    private let series: Mutex<[[String]: Instrument]>
    private let overflowed: Counter?

    /// - Parameter overflowed: Counts the look-ups that ended at the overflow series; nil for families without labels.
    init(
        _ description: FamilyDescription, labelValueBytes: Int, overflowed: Counter?,
        make: @escaping @Sendable () -> Instrument
    ) {
        self.description = description
        self.labelValueBytes = labelValueBytes
        self.overflowed = overflowed
        self.make = make
        let initial = description.labels.isEmpty ? [[]] : MetricLabel.knownCombinations(description.labels)
        series = Mutex(Dictionary(uniqueKeysWithValues: initial.map { ($0, make()) }))
    }

    /// The series with these label values, in the order of the declared labels. It is made when first asked for; past
    /// the family's limit the series is the one whose labels are all `other`. A wrong number of values is a programming
    /// error.
    public func with(_ labelValues: String...) -> Instrument {
        with(labelValues)
    }

    public func with(_ labelValues: [String]) -> Instrument {
        precondition(labelValues.count == description.labels.count, "\(description.name) has other labels")
        // Long values are rare, and a copy of the key for each look-up would be felt.
        let long = labelValues.contains { $0.utf8.count > labelValueBytes }
        let key = long ? labelValues.map { $0.cut(toBytes: labelValueBytes) } : labelValues
        let (instrument, overflow) = series.withLock { series in
            if let existing = series[key] { return (existing, false) }
            let overflowKey = key.map { _ in Self.overflowLabelValue }
            let known = series.count - (series[overflowKey] == nil ? 0 : 1)
            let key = known < description.maximumSeries ? key : overflowKey
            let instrument = series[key] ?? make()
            series[key] = instrument
            return (instrument, known >= description.maximumSeries)
        }
        if overflow { overflowed?.increment() }
        return instrument
    }
}

extension MetricFamily: RegisteredFamily {
    func snapshot() -> FamilySnapshot {
        let series = self.series.withLock { Array($0) }
        return FamilySnapshot(
            description: description,
            unordered: series.map { FamilySnapshot.Series(labelValues: $0.key, value: $0.value.value) })
    }
}
