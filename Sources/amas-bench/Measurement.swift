/// What one run of a load gave.
struct Measurement: Sendable {
    var perSecond: Double
    /// Milliseconds, sorted.
    var latencies: [Double]
    /// Cores that the generator itself used.
    var generatorShare: Double
}

extension [Measurement] {
    func median(_ value: (Measurement) -> Double) -> Double { map(value).sorted().percentile(0.5) }
}
