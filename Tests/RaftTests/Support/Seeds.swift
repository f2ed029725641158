import FoundationEssentials

/// Which seeds a random test runs. `AMAS_SEED=n` replays exactly one.
enum Seeds {
    static let replayed: UInt64? = ProcessInfo.processInfo.environment["AMAS_SEED"].flatMap { UInt64($0) }

    static func list(_ count: Int, from first: UInt64 = 1) -> [UInt64] {
        if let replayed { return [replayed] }
        return (0..<UInt64(count)).map { first + $0 }
    }

    /// The line that a failing test prints.
    static func replay(_ seed: UInt64, _ test: String) -> String {
        "replay: AMAS_SEED=\(seed) swift test --filter \(test)"
    }
}
