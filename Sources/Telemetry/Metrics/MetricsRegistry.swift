import Synchronization

/// The metric families of one node. Rooms declare theirs when they are made and hold what they get back.
///
/// Every method may be called from any thread. Declaring the same family twice gives the same series; declaring a name
/// differently, or wrongly, is a programming error and traps, which happens when a node starts and in every test that
/// makes the room.
public final class MetricsRegistry: Sendable {
    public let limits: TelemetryLimits
    /// By their OpenMetrics name, so that a counter `x_total` and a gauge `x` cannot both exist.
    private let families = Mutex<[String: any RegisteredFamily]>([:])
    private let overflows: CounterFamily

    public init(limits: TelemetryLimits = TelemetryLimits()) {
        self.limits = limits
        overflows = CounterFamily(
            FamilyDescription(
                name: "amas_metric_series_overflow_total", kind: .counter,
                help: "Look-ups answered with the series named other because the family was at its limit.",
                unit: .none, labels: ["family"], buckets: [], maximumSeries: limits.families),
            labelValueBytes: limits.labelValueBytes, overflowed: nil, make: { Counter() })
        register(overflows)
    }

    /// What is declared, in the order of the names.
    public var descriptions: [FamilyDescription] {
        sortedFamilies().map(\.description)
    }

    /// The value of every series, in the order of names and label values. Sampled families are asked on the calling
    /// thread.
    public func snapshot() -> [FamilySnapshot] {
        sortedFamilies().map { $0.snapshot() }
    }

    /// The body of a scrape.
    public func exposition(_ format: ExpositionFormat) -> String {
        Exposition.text(of: snapshot(), in: format)
    }

    /// The family declared under this name, as it stands in a query; nil if there is none.
    func family(named name: String) -> (any RegisteredFamily)? {
        let withoutTotal = name.hasSuffix("_total") ? String(name.dropLast("_total".count)) : name
        return families.withLock { families in
            [name, withoutTotal].compactMap { families[$0] }.first { $0.description.name == name }
        }
    }

    /// Adds a family, or gives back the one that was declared alike before.
    @discardableResult
    func register<Family: RegisteredFamily>(_ family: Family) -> Family {
        let description = family.description
        if let problem = description.problem { preconditionFailure("metric \(description.name): \(problem)") }
        return families.withLock { families in
            if let existing = families[description.familyName] {
                guard existing.description == description, let alike = existing as? Family else {
                    preconditionFailure("metric \(description.name) is declared twice, differently")
                }
                return alike
            }
            precondition(families.count < limits.families, "more than \(limits.families) metric families")
            families[description.familyName] = family
            return family
        }
    }

    /// What counts a labelled family's overflow; nil for one without labels, which has a single series.
    func overflowCounter(for description: FamilyDescription) -> Counter? {
        description.labels.isEmpty ? nil : overflows.with(description.name)
    }

    private func sortedFamilies() -> [any RegisteredFamily] {
        families.withLock { Array($0.values) }.sorted { $0.description.name.precedesInBytes($1.description.name) }
    }
}

/// A family as the registry sees it.
protocol RegisteredFamily: AnyObject, Sendable {
    var description: FamilyDescription { get }
    func snapshot() -> FamilySnapshot
}
