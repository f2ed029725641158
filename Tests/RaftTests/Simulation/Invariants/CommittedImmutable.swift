@testable import Raft

/// What one node has committed at an index is what every node commits there. Keeps the one history that results.
struct CommittedImmutable {
    private(set) var entries: [Entry] = []
    private var seen: [NodeID: LogIndex] = [:]

    var count: Int { entries.count }

    /// The term committed at an index above zero.
    func term(at index: LogIndex) -> Term? {
        index > .zero && index.rawValue <= UInt64(entries.count) ? entries[Int(index.rawValue) - 1].term : nil
    }

    mutating func started(_ node: SimulatedNode) {
        seen[node.id] = node.disk.snapshot.position.index
    }

    mutating func check(_ step: ObservedStep) throws {
        let log = step.raft.log
        let before = seen[step.node] ?? .zero
        guard log.commit != before else { return }
        guard log.commit > before else { throw step.violation(of: "CommittedImmutable", "commit fell from \(before)") }
        seen[step.node] = log.commit
        if log.base.index > before, term(at: log.base.index) != log.base.term {
            throw step.violation(of: "CommittedImmutable", "a snapshot at \(log.base) is of another history")
        }
        let from = max(before, log.base.index).next
        guard from <= log.commit else { return }
        for entry in log.slice(from: from, maximumBytes: .max) where entry.index <= log.commit {
            let place = Int(entry.index.rawValue) - 1
            if place < entries.count {
                guard entries[place] == entry else {
                    throw step.violation(of: "CommittedImmutable", "\(entry.index) was committed with other content")
                }
            } else {
                entries.append(entry)
            }
        }
    }
}
