/// How long to wait before the next attempt to connect: doubling from `first` to `longest`, each time cut by a random part
/// of up to a half, so that the connections of several nodes do not return in step.
struct Backoff: Equatable {
    let first: Duration
    let longest: Duration
    private var next: Duration

    init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
        next = min(first, longest)
    }

    /// The delay after one more failure. `chance` is in 0..<1 and comes from the caller's random source.
    mutating func delay(chance: Double) -> Duration {
        defer { next = min(next * 2, longest) }
        return next * (1 - chance / 2)
    }

    mutating func reset() {
        next = min(first, longest)
    }
}
