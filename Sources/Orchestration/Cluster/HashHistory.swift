import ClusterState
import Raft
import Synchronization

/// The hashes of the last entries, so that a report of another member can still be compared a while later.
final class HashHistory: Sendable {
    /// At ten thousand entries a second these are the last six seconds; reports travel many times a second.
    static let capacity = 65_536

    private struct Ring {
        var hashes: [StateHash] = []
        /// The first index that was ever put in; the place of an index follows from it.
        var origin = LogIndex(1)
        var last = LogIndex.zero
    }

    private let ring = Mutex(Ring())

    func append(_ applied: [Applied]) {
        ring.withLock { ring in
            for result in applied {
                precondition(ring.hashes.isEmpty || result.index == ring.last.next, "entries are applied in order")
                if ring.hashes.isEmpty { ring.origin = result.index }
                if ring.hashes.count < Self.capacity {
                    ring.hashes.append(result.hash)
                } else {
                    ring.hashes[Self.place(of: result.index, in: ring)] = result.hash
                }
                ring.last = result.index
            }
        }
    }

    /// Begins anew with a state that came as a snapshot.
    func restart(at index: LogIndex, _ hash: StateHash) {
        ring.withLock { $0 = Ring(hashes: [hash], origin: index, last: index) }
    }

    func hash(at index: LogIndex) -> StateHash? {
        ring.withLock { ring in
            guard index <= ring.last, ring.last.rawValue - index.rawValue < UInt64(ring.hashes.count) else {
                return nil
            }
            return ring.hashes[Self.place(of: index, in: ring)]
        }
    }

    private static func place(of index: LogIndex, in ring: Ring) -> Int {
        Int((index.rawValue - ring.origin.rawValue) % UInt64(capacity))
    }
}
