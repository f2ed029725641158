import Raft
import WriteAheadLog

/// What is certain to be on one node's disk: what invariants about durability compare with. It follows the records of every
/// write whose sync has returned.
struct DurableView {
    private(set) var hardState = HardState.initial
    private(set) var base = LogPosition.zero
    /// Of the entries after `base`.
    private(set) var terms: [Term] = []
    private(set) var snapshot = LogPosition.zero

    init() {}

    init(_ restored: Raft.Restored) {
        hardState = restored.hardState
        base = restored.base
        terms = restored.entries.map(\.term)
        snapshot = restored.snapshot.position
    }

    var last: LogPosition {
        guard let term = terms.last else { return base }
        return LogPosition(index: base.index + terms.count, term: term)
    }

    func term(at index: LogIndex) -> Term? {
        if index == base.index { return base.term }
        guard index > base.index, index <= last.index else { return nil }
        return terms[Int(index.rawValue - base.index.rawValue) - 1]
    }

    /// Whether the entry is here, itself or in a snapshot.
    func holds(_ index: LogIndex, term: Term) -> Bool {
        index <= snapshot.index || self.term(at: index) == term
    }

    mutating func accept(_ records: [LogRecord]) {
        for record in records {
            switch record {
            case .entry(let index, let term, _):
                precondition(index == last.index.rawValue + 1, "the log checks its order before it writes")
                terms.append(Term(term))
            case .vote(let term, let votedFor):
                hardState = HardState(term: Term(term), votedFor: votedFor == 0 ? nil : NodeID(votedFor))
            case .truncate(let from):
                let kept = Int(from) - Int(base.index.rawValue) - 1
                if kept < terms.count { terms.removeSubrange(max(0, kept)...) }
            case .snapshot(let index, let term):
                snapshot = LogPosition(index: LogIndex(index), term: Term(term))
                if snapshot.index > last.index {
                    base = snapshot
                    terms = []
                }
            }
        }
    }

    /// A snapshot of the own state is a file of its own, durable apart from the log.
    mutating func saved(_ position: LogPosition) {
        if position.index > snapshot.index { snapshot = position }
    }

    mutating func compact(through position: LogPosition) {
        guard position.index > base.index else { return }
        terms.removeFirst(min(terms.count, Int(position.index.rawValue - base.index.rawValue)))
        base = position
    }
}
