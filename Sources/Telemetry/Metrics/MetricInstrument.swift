import Synchronization

/// One series that the program updates. Any thread may update and read it at any time, without lock or allocation.
public protocol MetricInstrument: AnyObject, Sendable {
    var value: MetricValue { get }
}

extension Atomic<UInt64> {
    /// Adds to a `Double` kept as its bits.
    func addToDouble(_ amount: Double) {
        var current = load(ordering: .relaxed)
        while true {
            let sum = (Double(bitPattern: current) + amount).bitPattern
            let (exchanged, original) = weakCompareExchange(expected: current, desired: sum, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }
}
