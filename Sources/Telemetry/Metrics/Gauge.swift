import Synchronization

/// A number that rises and falls: things in a queue, an index, a role.
public final class Gauge: MetricInstrument {
    private let bits = Atomic<UInt64>(0)

    public init() {}

    public func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    public func set(_ value: Int) {
        set(Double(value))
    }

    public func add(_ amount: Double) {
        bits.addToDouble(amount)
    }

    public func add(_ amount: Int) {
        add(Double(amount))
    }

    public var current: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    public var value: MetricValue { .number(current) }
}
