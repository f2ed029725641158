import ClusterState
import Orchestration
import Raft

extension Call {
    /// `?consistency=`, and for `session` what the client has seen.
    func consistency() throws(Problem) -> ReadConsistency {
        let seen = try seenRevision()
        switch query["consistency"] {
        case nil, "session": return .session(seen)
        case "strong": return .strong
        case "stale": return .stale
        default: throw .badRequest("consistency", "must be strong, session or stale")
        }
    }

    private func seenRevision() throws(Problem) -> Revision {
        guard let text = header(.amasIndex) else { return .zero }
        guard let revision = Revision(position: text) else {
            throw .badRequest("X-Amas-Index", "must be the value of that header in an earlier answer")
        }
        return revision
    }
}

// What `X-Amas-Index` carries, opaque to clients: generation and index, so that one that was seen before a backup was
// restored is not mistaken for a later one.
extension Revision {
    var position: String { "\(generation).\(index)" }

    /// Nil for what no answer carried.
    init?(position: String) {
        let parts = position.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let generation = UInt16(parts[0]), let index = UInt64(parts[1]), index < 1 << 48 else {
            return nil
        }
        self.init(generation: generation, index: LogIndex(index))
    }
}
