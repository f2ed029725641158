/// What is declared of a family: all that a reader of the exposition can rely on.
public struct FamilyDescription: Hashable, Sendable {
    public enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
        /// A constant 1 whose labels say something, such as the version that runs.
        case info
    }

    /// The name as it stands in a query: a counter's ends in `_total`, an info's in `_info`.
    public let name: String
    public let kind: Kind
    public let help: String
    public let unit: MetricUnit
    public let labels: [MetricLabel]
    /// Upper bounds without the infinite one; empty for all but histograms.
    public let buckets: [Double]
    /// Label combinations that are kept apart.
    public let maximumSeries: Int

    /// The name of the family in OpenMetrics, which gives the suffix of counters and infos to their samples only.
    public var familyName: String {
        switch kind {
        case .counter: String(name.dropLast(name.hasSuffix("_total") ? "_total".count : 0))
        case .info: String(name.dropLast(name.hasSuffix("_info") ? "_info".count : 0))
        case .gauge, .histogram: name
        }
    }
}

extension FamilyDescription {
    /// What is wrong with the declaration, in one sentence; nil if nothing is.
    var problem: String? {
        nameProblem ?? unitProblem ?? labelProblem ?? bucketProblem
    }

    private var nameProblem: String? {
        guard name.isMetricIdentifier else { return "the name is not of the form [a-z][a-z0-9_]*" }
        if help.isEmpty { return "it has no help text" }
        let reserved: [String]
        switch kind {
        case .counter:
            guard name.hasSuffix("_total"), !familyName.isEmpty else { return "a counter's name ends in _total" }
            reserved = ["_bucket", "_count", "_sum", "_created", "_info", "_total"]
        case .info:
            guard name.hasSuffix("_info"), !familyName.isEmpty else { return "an info's name ends in _info" }
            reserved = ["_bucket", "_count", "_sum", "_created", "_total"]
        case .gauge, .histogram:
            reserved = ["_bucket", "_count", "_sum", "_created", "_info", "_total"]
        }
        let suffix = reserved.first { familyName.hasSuffix($0) }
        return suffix.map { "the suffix \($0) belongs to the samples of another kind" }
    }

    private var unitProblem: String? {
        let last = familyName.split(separator: "_").last.map(String.init) ?? ""
        if unit != .none {
            return last == unit.rawValue ? nil : "its name must end in its unit, _\(unit.rawValue)"
        }
        let named = MetricUnit(rawValue: last)
        return named == nil ? nil : "its name ends in _\(last), so that unit must be declared"
    }

    private var labelProblem: String? {
        if labels.count > TelemetryLimits.labelsPerFamily {
            return "it has more than \(TelemetryLimits.labelsPerFamily) labels"
        }
        if Set(labels.map(\.name)).count != labels.count { return "a label appears twice" }
        for label in labels {
            guard label.name.isMetricIdentifier, !label.name.hasPrefix("__") else {
                return "the label \(label.name) is not of the form [a-z][a-z0-9_]*"
            }
            if label.name == "le" || label.name == "quantile" { return "the label \(label.name) is reserved" }
            if Set(label.knownValues).count != label.knownValues.count {
                return "a known value of \(label.name) appears twice"
            }
        }
        if maximumSeries < max(1, MetricLabel.knownCombinations(labels).count) {
            return "its known label values exceed its limit of \(maximumSeries) series"
        }
        return nil
    }

    private var bucketProblem: String? {
        guard kind == .histogram else { return buckets.isEmpty ? nil : "only histograms have buckets" }
        if buckets.isEmpty { return "a histogram needs a bucket" }
        if !buckets.allSatisfy(\.isFinite) { return "its bucket bounds must be finite" }
        return zip(buckets, buckets.dropFirst()).allSatisfy(<) ? nil : "its bucket bounds must rise"
    }
}

extension String {
    fileprivate var isMetricIdentifier: Bool {
        guard let first = utf8.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else { return false }
        return utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "_")
        }
    }
}
