/// A label of a family: its name and, where they are known beforehand, its values.
///
/// If every label of a family declares its values, all combinations exist from the start with the value 0, so that a
/// rate over the first event is not lost for want of an earlier point.
public struct MetricLabel: Hashable, Sendable, ExpressibleByStringLiteral {
    public let name: String
    /// Empty when the values are not known beforehand. Others than these are still accepted.
    public let knownValues: [String]

    public init(stringLiteral name: String) {
        self.name = name
        self.knownValues = []
    }

    private init(name: String, knownValues: [String]) {
        self.name = name
        self.knownValues = knownValues
    }

    public static func known(_ name: String, _ values: [String]) -> MetricLabel {
        MetricLabel(name: name, knownValues: values)
    }

    /// All combinations of the known values, none if some label's are unknown or there is no label.
    static func knownCombinations(_ labels: [MetricLabel]) -> [[String]] {
        guard !labels.isEmpty else { return [] }
        return labels.reduce([[]]) { combinations, label in
            combinations.flatMap { combination in label.knownValues.map { combination + [$0] } }
        }
    }
}
