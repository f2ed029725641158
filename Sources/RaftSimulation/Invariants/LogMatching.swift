import Raft

/// Two logs with an entry of the same index and term are equal up to it (Raft §5.3). It is enough that such entries are equal
/// and follow an entry of the same term, whoever holds them: the rest is induction.
struct LogMatching {
    private struct Written {
        var term: Term
        var previousTerm: Term?
        var content: UInt64
    }

    /// By index; at each, one for every term.
    private var written: [[Written]] = []

    mutating func check(_ process: Process, _ effects: [Effect]) throws(Violation) {
        for case .persist(let write) in effects {
            guard let first = write.entries.first else { continue }
            var previous = process.raft.term(at: first.index.previous)
            for entry in write.entries {
                try check(entry, previous)
                previous = entry.term
            }
        }
    }

    private mutating func check(_ entry: Entry, _ previous: Term?) throws(Violation) {
        let place = Int(entry.index.rawValue)
        while written.count <= place { written.append([]) }
        let new = Written(term: entry.term, previousTerm: previous, content: Self.content(of: entry))
        guard let known = written[place].first(where: { $0.term == entry.term }) else {
            return written[place].append(new)
        }
        let sameBefore = known.previousTerm == nil || previous == nil || known.previousTerm == previous
        guard known.content == new.content, sameBefore else {
            throw Violation("LogMatching", "entry \(entry.index) of term \(entry.term) has two histories")
        }
    }

    private static func content(of entry: Entry) -> UInt64 {
        var hash = TraceHash()
        hash.mix(UInt64(entry.kind.rawValue) << 32 | UInt64(entry.data.count))
        entry.data.withUnsafeBytes { bytes in
            var offset = 0
            while offset + 8 <= bytes.count {
                hash.mix(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset += 8
            }
        }
        return hash.value
    }
}
