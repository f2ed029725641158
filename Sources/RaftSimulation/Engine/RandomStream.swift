/// Chance, from a seed. Every subject draws from a stream of its own, so that a draw added to one does not shift the others.
///
/// SplitMix64 (Steele, Lea, Flood 2014).
struct RandomStream: RandomNumberGenerator {
    enum Subject: UInt64 {
        case topology = 1
        case network, disk, clock, workload, faults
    }

    private var state: UInt64

    init(seed: UInt64, subject: Subject) {
        state = seed &* 0xD134_2543_DE82_EF95 &+ subject.rawValue &* 0x9E37_79B9_7F4A_7C15
        // Neighbouring seeds begin far apart.
        state = next() ^ (subject.rawValue << 56)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number of the range; the bias of the remainder does not matter here.
    mutating func number(_ range: ClosedRange<Int>) -> Int {
        let span = UInt64(range.upperBound - range.lowerBound) + 1
        return range.lowerBound + Int(next() % span)
    }

    mutating func time(_ range: ClosedRange<UInt64>) -> UInt64 {
        range.lowerBound + next() % (range.upperBound - range.lowerBound + 1)
    }

    /// True that often in a million. Draws nothing for what never happens.
    mutating func chance(perMillion: Int) -> Bool {
        perMillion > 0 && next() % 1_000_000 < UInt64(perMillion)
    }

    mutating func chance(perMille: Int) -> Bool { chance(perMillion: perMille * 1000) }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[number(0...(elements.count - 1))]
    }

    mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var elements = elements
        for place in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(place, number(0...place))
        }
        return elements
    }
}

/// All chance of one world.
struct RandomStreams {
    var network: RandomStream
    var disk: RandomStream
    var clock: RandomStream
    var workload: RandomStream
    var faults: RandomStream

    init(seed: UInt64) {
        network = RandomStream(seed: seed, subject: .network)
        disk = RandomStream(seed: seed, subject: .disk)
        clock = RandomStream(seed: seed, subject: .clock)
        workload = RandomStream(seed: seed, subject: .workload)
        faults = RandomStream(seed: seed, subject: .faults)
    }
}
