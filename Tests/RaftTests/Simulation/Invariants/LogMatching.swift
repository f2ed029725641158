@testable import Raft

/// Two logs with an entry of the same index and term are equal up to it. It is enough that such entries are equal and follow
/// an entry of the same term, whoever holds them: the rest is induction.
struct LogMatching {
    private struct Written {
        var entry: Entry
        var previousTerm: Term?
    }

    private var written: [LogPosition: Written] = [:]

    mutating func check(_ step: ObservedStep) throws {
        for case .persist(let write) in step.effects {
            guard let first = write.entries.first else { continue }
            var previous = step.raft.term(at: first.index.previous)
            for entry in write.entries {
                let position = LogPosition(index: entry.index, term: entry.term)
                if let known = written[position], known.entry != entry || known.previousTerm != previous {
                    throw step.violation(of: "LogMatching", "entry \(position) has two histories")
                }
                written[position] = Written(entry: entry, previousTerm: previous)
                previous = entry.term
            }
        }
    }
}
