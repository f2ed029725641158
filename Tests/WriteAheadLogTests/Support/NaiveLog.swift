import WriteAheadLog

/// What a log means, told with an array: the reference that the real one is compared with. It keeps no order rules; it
/// is only given what is legal.
struct NaiveLog: Equatable {
    var vote = LogRecord.Vote.none
    var snapshot: LogRecord.Position?
    var base = LogRecord.Position.origin
    var entries: [RecoveredLog.Entry] = []

    var last: LogRecord.Position {
        entries.last.map { LogRecord.Position(index: $0.index, term: $0.term) } ?? base
    }

    init() {}

    init(_ recovered: RecoveredLog) {
        vote = recovered.vote
        snapshot = recovered.snapshot
        base = recovered.base
        entries = recovered.entries
    }

    mutating func apply(_ record: LogRecord) {
        switch record {
        case .entry(let index, let term, let payload):
            entries.append(RecoveredLog.Entry(index: index, term: term, payload: payload))
        case .vote(let term, let votedFor):
            vote = LogRecord.Vote(term: term, votedFor: votedFor)
        case .truncate(let from):
            entries.removeAll { $0.index >= from }
        case .snapshot(let index, let term):
            snapshot = LogRecord.Position(index: index, term: term)
            if index > last.index {
                entries = []
                base = LogRecord.Position(index: index, term: term)
            }
        }
    }

    mutating func compact(through position: LogRecord.Position) {
        guard position.index > base.index else { return }
        entries.removeAll { $0.index <= position.index }
        base = position
    }

    func term(at index: UInt64) -> UInt64? {
        if index == base.index { return base.term }
        return entries.first { $0.index == index }?.term
    }
}
