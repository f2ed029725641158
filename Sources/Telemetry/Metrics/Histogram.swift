import Synchronization

/// How often an observed quantity fell into each of a fixed row of buckets, and the sum of all observations.
public final class Histogram: MetricInstrument, @unchecked Sendable {
    // Unchecked because of the pointer alone: it is set once, its elements are atomics, and `deinit` frees them.
    private let counts: UnsafeMutableBufferPointer<Atomic<UInt64>>
    private let upperBounds: [Double]
    private let sumBits = Atomic<UInt64>(0)

    /// - Parameter buckets: Finite, rising bounds; an observation equal to a bound belongs to its bucket.
    public init(buckets: HistogramBuckets) {
        upperBounds = buckets.upperBounds
        counts = .allocate(capacity: upperBounds.count + 1)
        for index in counts.indices {
            counts.initializeElement(at: index, to: Atomic(0))
        }
    }

    deinit {
        counts.deinitialize()
        counts.deallocate()
    }

    /// Observes a value in the family's unit. NaN is ignored: it would make the sum useless for good.
    public func observe(_ value: Double) {
        guard !value.isNaN else { return }
        counts[bucket(of: value)].wrappingAdd(1, ordering: .relaxed)
        sumBits.addToDouble(value)
    }

    /// Observes a duration, for families in seconds.
    public func observe(_ duration: Duration) {
        // `components` is some twenty times as fast as a `Double` from the 128 bits of `attoseconds`.
        let (seconds, attoseconds) = duration.components
        observe(Double(seconds) + Double(attoseconds) * 1e-18)
    }

    public var current: HistogramValue {
        HistogramValue(
            counts: counts.indices.map { counts[$0].load(ordering: .relaxed) },
            sum: Double(bitPattern: sumBits.load(ordering: .relaxed)))
    }

    public var value: MetricValue { .histogram(current) }

    /// The first bucket whose bound is not below the value, found by halving.
    private func bucket(of value: Double) -> Int {
        var low = 0
        var high = upperBounds.count
        while low < high {
            let middle = (low + high) / 2
            if upperBounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
