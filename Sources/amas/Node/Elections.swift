import Raft

/// What a node's changes of standing say of its own candidacies.
struct Elections: Sendable {
    enum Result: String, CaseIterable, Sendable {
        case won
        /// Another leads, or a later term has begun.
        case lost
        /// Nobody had a majority in time.
        case undecided
    }

    private var last: Standing?

    /// The result of the candidacy that ends with this change, if one does.
    mutating func changed(_ standing: Standing) -> Result? {
        defer { last = standing }
        guard let last, last.role == .candidate else { return nil }
        switch standing.role {
        case .leader: return .won
        case .follower: return .lost
        case .preCandidate: return .undecided
        case .candidate: return standing.term > last.term ? .undecided : nil
        }
    }
}
