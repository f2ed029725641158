/// The upper bounds of a histogram's buckets; the infinite one is added by itself.
public struct HistogramBuckets: Hashable, Sendable, ExpressibleByArrayLiteral {
    public let upperBounds: [Double]

    public init(_ upperBounds: [Double]) {
        self.upperBounds = upperBounds
    }

    public init(arrayLiteral elements: Double...) {
        self.upperBounds = elements
    }

    public static func exponential(start: Double, factor: Double, count: Int) -> HistogramBuckets {
        var bound = start
        return HistogramBuckets(
            (0..<count).map { _ in
                defer { bound *= factor }
                return bound
            })
    }

    /// Seconds of an HTTP request: OpenTelemetry's bounds and 0.2, an edge that our latency objective needs.
    public static let http: HistogramBuckets = [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.2, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]
    /// Seconds of a database operation, OpenTelemetry's bounds.
    public static let database: HistogramBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
    /// Seconds of a write or sync to disk: 0.1 ms to 6.6 s.
    public static let disk = exponential(start: 0.0001, factor: 2, count: 17)
    /// Seconds of a round trip or commit inside the cluster: 0.1 ms to 3.3 s.
    public static let network = exponential(start: 0.0001, factor: 2, count: 16)
    /// Seconds of a call to a language model, OpenTelemetry's bounds: 10 ms to 82 s.
    public static let generation = exponential(start: 0.01, factor: 2, count: 14)
    /// Seconds of a task: 5 ms to an hour.
    public static let tasks: HistogramBuckets = [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600,
    ]
    /// Bytes: 256 B to 64 MiB.
    public static let bytes = exponential(start: 256, factor: 4, count: 10)
    /// A share between 0 and 1.
    public static let ratio: HistogramBuckets = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]
}
