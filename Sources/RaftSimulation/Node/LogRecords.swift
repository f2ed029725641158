import Raft
import WriteAheadLog

// Raft's values as records of the log, as `RaftServer.LogWriter` maps them.
extension Write {
    /// Within a write: what is void goes first, then term and vote, then the entries that they allow.
    var records: [LogRecord] {
        var records: [LogRecord] = []
        records.reserveCapacity(entries.count + 2)
        if let truncateFrom { records.append(.truncate(from: truncateFrom.rawValue)) }
        if let hardState {
            records.append(.vote(term: hardState.term.rawValue, votedFor: hardState.votedFor?.rawValue ?? 0))
        }
        for entry in entries {
            var payload: [UInt8] = []
            payload.reserveCapacity(entry.data.count + 1)
            payload.append(entry.kind.rawValue)
            payload.append(contentsOf: entry.data)
            records.append(.entry(index: entry.index.rawValue, term: entry.term.rawValue, payload: payload[...]))
        }
        return records
    }
}

extension Entry {
    /// Nil if the kind is not one that this version knows.
    init?(_ stored: RecoveredLog.Entry) {
        guard let first = stored.payload.first, let kind = Kind(rawValue: first) else { return nil }
        self.init(
            index: LogIndex(stored.index), term: Term(stored.term), kind: kind, data: stored.payload.dropFirst())
    }
}

extension LogRecord {
    static func snapshot(_ position: LogPosition) -> LogRecord {
        .snapshot(index: position.index.rawValue, term: position.term.rawValue)
    }
}
