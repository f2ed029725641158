import WriteAheadLog

extension NaiveLog {
    /// Some record that may follow this log.
    func randomRecord(maximumPayloadBytes: Int, using generator: inout SeededGenerator) -> LogRecord {
        if vote.term == 0 { return .vote(term: UInt64.random(in: 1...3, using: &generator), votedFor: 0) }
        let lowest = max(base.index, snapshot?.index ?? 0)
        switch Int.random(in: 0..<20, using: &generator) {
        case 0:
            return .vote(term: vote.term + UInt64.random(in: 1...2, using: &generator), votedFor: 0)
        case 1:
            let candidate = UInt64.random(in: 1...3, using: &generator)
            return .vote(term: vote.term, votedFor: vote.votedFor == 0 ? candidate : vote.votedFor)
        case 2:
            return .truncate(from: UInt64.random(in: (lowest + 1)...(max(lowest, last.index) + 1), using: &generator))
        case 3 where last.index > lowest:
            let index = UInt64.random(in: (lowest + 1)...last.index, using: &generator)
            return .snapshot(index: index, term: term(at: index) ?? 0)
        case 4 where generator.chance(1, in: 3):
            let index = last.index + UInt64.random(in: 1...10, using: &generator)
            return .snapshot(index: index, term: UInt64.random(in: max(1, last.term)...vote.term, using: &generator))
        default:
            let term = UInt64.random(in: max(1, last.term)...vote.term, using: &generator)
            let isLarge = generator.chance(1, in: 8)
            let bytes = Int.random(in: 0...(isLarge ? maximumPayloadBytes : 60), using: &generator)
            let payload = [UInt8](repeating: UInt8.random(in: 0...255, using: &generator), count: bytes)
            return .entry(index: last.index + 1, term: term, payload: payload[...])
        }
    }
}
