/// What the records so far amount to, and the rules that the next one must keep. The same rules hold when a record is
/// written (a breach is a defect of the caller) and when it is read again (a breach is damage).
struct LogState: Equatable {
    var vote = LogRecord.Vote.none
    /// Index 0: no snapshot yet.
    var snapshot = LogRecord.Position.origin
    /// The entry before the first live one.
    var base = LogRecord.Position.origin
    var lastIndex: UInt64 = 0
    /// Term of the entry at `lastIndex`; 0 where a truncation has left it unknown.
    var lastTerm: UInt64 = 0
    /// The oldest segment that must exist.
    var firstSegment: UInt64 = 1

    /// What a record does to the entries before it.
    enum Effect: Equatable {
        case none
        case appended
        case voided(from: UInt64)
        case compacted(through: UInt64)
        /// Against the rules; nothing has changed.
        case refused(String)
    }

    mutating func accept(_ record: Record.Stored) -> Effect {
        switch record {
        case .written(let record): accept(record)
        case .compaction(let through, let firstSegment): compact(through: through, firstSegment: firstSegment)
        }
    }

    mutating func accept(_ record: LogRecord) -> Effect {
        switch record {
        case .entry(let index, let term, _): append(index: index, term: term)
        case .vote(let term, let votedFor): castVote(term: term, votedFor: votedFor)
        case .truncate(let from): truncate(from: from)
        case .snapshot(let index, let term): mark(LogRecord.Position(index: index, term: term))
        }
    }

    private mutating func append(index: UInt64, term: UInt64) -> Effect {
        guard index > 0, index - 1 == lastIndex else { return .refused("an entry does not follow the last one") }
        guard term >= lastTerm else { return .refused("an entry has a lower term than the one before it") }
        // Pitfall P7: were the entry durable before its term, a crash between them would let the node vote again in a
        // term in which it has already followed a leader.
        guard term > 0, term <= vote.term else { return .refused("an entry has a term that no vote record allows") }
        lastIndex = index
        lastTerm = term
        return .appended
    }

    private mutating func castVote(term: UInt64, votedFor: UInt64) -> Effect {
        guard term >= vote.term else { return .refused("the term falls") }
        guard term > vote.term || vote.votedFor == 0 || vote.votedFor == votedFor else {
            return .refused("a second vote in one term")
        }
        vote = LogRecord.Vote(term: term, votedFor: votedFor)
        return .none
    }

    private mutating func truncate(from: UInt64) -> Effect {
        guard from > base.index, from > snapshot.index else {
            return .refused("a truncation reaches what a snapshot covers or a compaction removed")
        }
        guard from - 1 <= lastIndex else { return .refused("a truncation begins past the end") }
        guard from <= lastIndex else { return .none }
        lastIndex = from - 1
        // At the base and at the snapshot the term is known; between them and the end only the caller knows it.
        lastTerm = lastIndex == base.index ? base.term : lastIndex == snapshot.index ? snapshot.term : 0
        return .voided(from: from)
    }

    private mutating func mark(_ position: LogRecord.Position) -> Effect {
        guard position.index >= snapshot.index, position.index >= base.index else {
            return .refused("a snapshot is older than what came before it")
        }
        guard position.index > snapshot.index || position == snapshot || snapshot.index == 0,
            position.index > base.index || position == base
        else { return .refused("two snapshots disagree about one entry") }
        guard position.index > 0, position.term > 0, position.term <= vote.term else {
            return .refused("a snapshot has a term that no vote record allows")
        }
        guard lastTerm == 0 || position.index > lastIndex || position.term <= lastTerm,
            lastTerm == 0 || position.index != lastIndex || position.term == lastTerm
        else { return .refused("a snapshot contradicts entries that were not truncated before") }
        snapshot = position
        guard position.index > lastIndex else { return .none }
        base = position
        lastIndex = position.index
        lastTerm = position.term
        return .voided(from: 0)
    }

    mutating func compact(through: LogRecord.Position, firstSegment: UInt64) -> Effect {
        guard through.index <= snapshot.index, through.index <= lastIndex else {
            return .refused("a compaction reaches past the snapshot")
        }
        guard through.index != snapshot.index || through == snapshot, through.term <= vote.term else {
            return .refused("a compaction disagrees with the snapshot")
        }
        guard firstSegment >= self.firstSegment else { return .refused("a compaction brings a segment back") }
        self.firstSegment = firstSegment
        guard through.index > base.index else { return .none }
        base = through
        return .compacted(through: through.index)
    }
}
