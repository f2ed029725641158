/// Whether a history can be explained by operations that each took effect at one moment between call and return (Wing and Gong
/// 1993; with the memory of Lowe 2017).
///
/// An operation whose outcome is unknown has no return: it may take effect at any time after its call, or never.
enum Linearizability {
    struct Event<Input, Output> {
        var input: Input
        var output: Output
        var calledAt: UInt64
        /// `UInt64.max` for one without a known end.
        var returnedAt: UInt64
        /// Where it probably took effect, in any unit: the search looks there first, and everywhere in the end.
        var hint: UInt64 = .max
    }

    enum Verdict: Equatable {
        case linearizable
        case notLinearizable
        /// The search was given up at its limit.
        case undecided
    }

    /// - Parameters:
    ///   - events: at most 64 times `words` of them; ordered as they are, the search is deterministic.
    ///   - step: the state after an operation, or nil if its output is impossible in this state.
    ///   - limit: configurations that are looked at before the search is given up.
    static func check<Input, Output, State: Hashable>(
        _ events: [Event<Input, Output>], from initial: State, limit: Int = 100_000,
        step: @escaping (State, Input, Output) -> State?
    ) -> Verdict {
        var search = Search(events: events, initial: initial, limit: limit, step: step)
        return search.run()
    }
}

/// Depth first: linearize any operation that was called before the first return among those that are left.
private struct Search<Input, Output, State: Hashable> {
    private struct Configuration: Hashable {
        var done: BitSet
        var state: State
    }

    private struct Frame {
        var configuration: Configuration
        var candidates: [Int]
        var next = 0
    }

    private let events: [Linearizability.Event<Input, Output>]
    private let step: (State, Input, Output) -> State?
    private let limit: Int
    private let required: BitSet
    private var seen: Set<Configuration> = []
    private var stack: [Frame] = []

    init(
        events: [Linearizability.Event<Input, Output>], initial: State, limit: Int,
        step: @escaping (State, Input, Output) -> State?
    ) {
        self.events = events.sorted { $0.calledAt < $1.calledAt }
        self.step = step
        self.limit = limit
        var required = BitSet(count: events.count)
        for (place, event) in self.events.enumerated() where event.returnedAt != .max { required.insert(place) }
        self.required = required
        let start = Configuration(done: BitSet(count: events.count), state: initial)
        stack = [Frame(configuration: start, candidates: [])]
        stack[0].candidates = candidates(of: start)
    }

    mutating func run() -> Linearizability.Verdict {
        if required.isSubset(of: stack[0].configuration.done) { return .linearizable }
        while var frame = stack.popLast() {
            guard frame.next < frame.candidates.count else { continue }
            let place = frame.candidates[frame.next]
            frame.next += 1
            stack.append(frame)
            let event = events[place]
            guard let state = step(frame.configuration.state, event.input, event.output) else { continue }
            var configuration = Configuration(done: frame.configuration.done, state: state)
            configuration.done.insert(place)
            if required.isSubset(of: configuration.done) { return .linearizable }
            guard seen.insert(configuration).inserted else { continue }
            if seen.count > limit { return .undecided }
            stack.append(Frame(configuration: configuration, candidates: candidates(of: configuration)))
        }
        return .notLinearizable
    }

    /// What may come next: whatever was called before the earliest return of what is left. The likeliest first.
    private func candidates(of configuration: Configuration) -> [Int] {
        var firstReturn = UInt64.max
        for place in events.indices where !configuration.done.contains(place) {
            firstReturn = min(firstReturn, events[place].returnedAt)
        }
        var candidates: [Int] = []
        for place in events.indices {
            if events[place].calledAt > firstReturn { break }
            if !configuration.done.contains(place) { candidates.append(place) }
        }
        return candidates.sorted { (events[$0].hint, $0) < (events[$1].hint, $1) }
    }
}

/// Small numbers, as bits.
struct BitSet: Hashable {
    private var words: [UInt64]

    init(count: Int) {
        words = Array(repeating: 0, count: (count + 63) / 64)
    }

    func contains(_ number: Int) -> Bool { words[number >> 6] >> UInt64(number & 63) & 1 == 1 }

    mutating func insert(_ number: Int) {
        words[number >> 6] |= 1 << UInt64(number & 63)
    }

    func isSubset(of other: BitSet) -> Bool {
        for (mine, theirs) in zip(words, other.words) where mine & ~theirs != 0 { return false }
        return true
    }
}
