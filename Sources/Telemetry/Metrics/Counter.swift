import Synchronization

/// A number that only rises: events, bytes, seconds spent.
public final class Counter: MetricInstrument {
    // Whole and broken amounts are kept apart: most counters count events, and for them one atomic addition is the
    // fastest there is and stays exact.
    private let whole = Atomic<UInt64>(0)
    private let brokenBits = Atomic<UInt64>(0)

    public init() {}

    public func increment() {
        whole.wrappingAdd(1, ordering: .relaxed)
    }

    /// A negative amount is a mistake: it stops a debug build and is ignored in a release.
    public func increment(by amount: Int) {
        guard amount >= 0 else { return assertionFailure("a counter cannot fall") }
        whole.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    /// For amounts such as seconds or money. A negative or non-finite amount stops a debug build and is ignored in a
    /// release: it would make the counter useless for good.
    public func increment(by amount: Double) {
        guard amount >= 0, amount.isFinite else { return assertionFailure("a counter rises by finite amounts") }
        brokenBits.addToDouble(amount)
    }

    public var total: Double {
        Double(whole.load(ordering: .relaxed)) + Double(bitPattern: brokenBits.load(ordering: .relaxed))
    }

    public var value: MetricValue { .number(total) }
}
