import ClusterState
import Orchestration
import Raft

/// What a change does to the voters, as far as it can be known before it is made.
struct MemberChange {
    /// The members that it is about.
    var subjects: [NodeID]
    var votersBefore: [NodeID]
    /// Once it is done, those included that vote as soon as they have caught up.
    var votersAfter: [NodeID]

    init(_ subjects: [NodeID], in state: ClusterState, removing: [NodeID] = [], adding: [NodeID] = []) {
        self.subjects = subjects
        votersBefore = state.members.filter { $0.role == .voter }.map(\.id)
        let wanted = state.members.filter { $0.wanted == .voter }.map(\.id)
        votersAfter = wanted.filter { !removing.contains($0) } + adding.filter { !wanted.contains($0) }
    }

    var toleranceBefore: Int { max(0, (votersBefore.count - 1) / 2) }
    /// One more than an odd number of voters does not vote, and would tolerate no more.
    var tolerance: Int { max(0, (votersAfter.count - 1) / 2) }

    /// Why the cluster would stop; nil if it would go on. Newcomers are no help: they vote only once they have caught up.
    func risk(_ members: ClusterMembers) -> String? {
        let stay = votersAfter.filter { votersBefore.contains($0) }
        let reached = members.members.filter { $0.isReached && stay.contains($0.id) }
        let needed = stay.count / 2 + 1
        guard !stay.isEmpty, reached.count < needed else { return nil }
        return "of the \(stay.count) voters that stay, \(reached.count) can be reached and \(needed) are needed: "
            + "the cluster would stop"
    }
}
