/// What a series shows at one moment.
public enum MetricValue: Hashable, Sendable {
    case number(Double)
    case histogram(HistogramValue)
}

/// A histogram at one moment. Taken while others observe, the sum may be an observation ahead of or behind the counts.
public struct HistogramValue: Hashable, Sendable {
    /// Observations in each bucket alone, in the order of the bounds, the infinite bucket last.
    public let counts: [UInt64]
    public let sum: Double

    public init(counts: [UInt64], sum: Double) {
        self.counts = counts
        self.sum = sum
    }

    public var count: UInt64 { counts.reduce(0, &+) }
}

/// One series that a sampled family reports: the values of its labels in their order, and its value.
public struct MetricSample: Hashable, Sendable {
    public let labelValues: [String]
    public let value: Double

    public init(_ labelValues: [String], _ value: Double) {
        self.labelValues = labelValues
        self.value = value
    }
}

/// A family with its series at one moment, in the order of the label values' bytes.
public struct FamilySnapshot: Hashable, Sendable {
    public struct Series: Hashable, Sendable {
        public let labelValues: [String]
        public let value: MetricValue

        public init(labelValues: [String], value: MetricValue) {
            self.labelValues = labelValues
            self.value = value
        }
    }

    public let description: FamilyDescription
    public let series: [Series]

    init(description: FamilyDescription, unordered series: [Series]) {
        self.description = description
        self.series = series.sorted { left, right in
            left.labelValues.lexicographicallyPrecedes(right.labelValues) { $0.precedesInBytes($1) }
        }
    }
}

extension String {
    /// The order of the UTF-8 bytes, which does not change with Unicode's tables as `<` may.
    func precedesInBytes(_ other: String) -> Bool {
        utf8.lexicographicallyPrecedes(other.utf8)
    }
}
