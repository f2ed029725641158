import Testing

/// Looks for `isFulfilled` again and again, because nothing announces it; after three minutes the test fails.
func condition(
    sourceLocation: SourceLocation = #_sourceLocation, _ isFulfilled: () throws -> Bool
) async rethrows {
    let start = ContinuousClock.now
    while try !isFulfilled() {
        guard ContinuousClock.now - start < .seconds(180) else {
            Issue.record("the condition did not come true", sourceLocation: sourceLocation)
            return
        }
        try? await Task.sleep(for: .milliseconds(1))
    }
}

/// SplitMix64: a test prints its seed and is repeated with it.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
