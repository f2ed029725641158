/// What a family measures, in the base units that Prometheus asks for. The unit is the last word of the family's name,
/// before `_total`.
public enum MetricUnit: String, Sendable, CaseIterable {
    /// A number of things; which things is part of the name.
    case none = ""
    case seconds
    case bytes
    /// 0 to 1.
    case ratio
    case usd
}
