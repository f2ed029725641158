import ClusterState
import Raft

/// All nodes have the same state after the same entry, however they came to it: the chain's hash at each index is one (P11).
struct StateMachineSafety {
    private(set) var hashes: [StateHash] = []

    /// Returns whether nobody had applied the entry before.
    mutating func check(
        _ process: Process, _ entry: Entry, _ applied: Applied, _ committed: CommittedImmutable
    ) throws(Violation) -> Bool {
        guard committed.term(at: entry.index) == entry.term else {
            throw Violation("StateMachineSafety", "node \(process.id) applies \(entry.index), which is not committed")
        }
        let place = Int(entry.index.rawValue) - 1
        guard place < hashes.count else {
            precondition(place == hashes.count, "entries are applied in order")
            hashes.append(applied.hash)
            return true
        }
        guard hashes[place] == applied.hash else {
            throw Violation("StateMachineSafety", "node \(process.id) has another state after \(entry.index)")
        }
        return false
    }

    func check(_ process: Process, installed state: ClusterState) throws(Violation) {
        let place = Int(state.index.rawValue) - 1
        guard place < hashes.count, hashes[place] == state.hash else {
            throw Violation("StateMachineSafety", "node \(process.id) installs another state at \(state.index)")
        }
    }
}
