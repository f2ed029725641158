/// The entries that are alive while a log is replayed.
struct LiveEntries {
    private(set) var entries: [RecoveredLog.Entry] = []

    mutating func note(_ record: Record.Stored, _ effect: LogState.Effect) {
        switch effect {
        case .none: break
        case .appended:
            guard case .written(.entry(let index, let term, let payload)) = record else {
                preconditionFailure("only entries are appended")
            }
            precondition(entries.last.map { $0.index + 1 == index } ?? true, "the log's state checks the order")
            entries.append(RecoveredLog.Entry(index: index, term: term, payload: payload))
        case .voided(let from):
            while let last = entries.last, last.index >= from { entries.removeLast() }
        case .compacted(let through):
            entries.removeSubrange(..<(entries.firstIndex { $0.index > through } ?? entries.count))
        case .refused: preconditionFailure("a refused record ends the replay")
        }
    }

    /// What cannot be if all is well: a gap behind the base, terms that fall across a truncation, an entry that differs
    /// from the snapshot at its index. Nil if all is well.
    func contradiction(with state: LogState) -> String? {
        guard (entries.last?.index ?? state.base.index) == state.lastIndex,
            (entries.first.map { $0.index - 1 } ?? state.base.index) == state.base.index
        else { return "live entries are missing" }
        var term = state.base.term
        for entry in entries {
            guard entry.term >= term else { return "an entry has a lower term than the one before it" }
            term = entry.term
            if entry.index == state.snapshot.index, entry.term != state.snapshot.term {
                return "an entry differs from the snapshot that covers it"
            }
        }
        return nil
    }
}
