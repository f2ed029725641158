import ClusterState
import Orchestration
import Raft

/// What a change does to the voters, as far as it can be known before it is made.
struct MemberChange {
    /// The members that it is about.
    var subjects: [NodeID]
    /// Who votes once it is done.
    private(set) var voters: [NodeID]
    /// How many of the voters may fail now: those that are down have failed already.
    let toleranceBefore: Int
    /// The same once it is done.
    let tolerance: Int
    /// Why the cluster would stop; nil if it would go on. Newcomers are no help: they vote only once they have caught up.
    let risk: String?

    /// - Parameters:
    ///   - seen: who can be reached.
    ///   - adding: who votes as soon as it has caught up and that leaves an odd number of voters; until then it does not.
    ///   - heirs: who takes over the vote of one that goes.
    init(
        _ subjects: [NodeID], in state: ClusterState, _ seen: ClusterMembers, removing: [NodeID] = [],
        adding: [NodeID] = [], heirs: [NodeID] = []
    ) {
        self.subjects = subjects
        let wanted = state.members.filter { $0.wanted == .voter && !removing.contains($0.id) }
        let stay = wanted.filter { $0.role == .voter && !adding.contains($0.id) }.map(\.id)
        let known = wanted.map(\.id)
        let reached = Set(seen.members.filter { $0.isReached }.map(\.id))
        // When the change is done, those that it brings are there.
        let current = Set(seen.members.filter { $0.isReached && !$0.isFarBehind }.map(\.id)).union(adding + heirs)
        var arriving = known.filter { !stay.contains($0) && current.contains($0) }
        arriving += (adding + heirs).filter { !known.contains($0) }
        voters = stay + arriving.filter(heirs.contains)
        arriving.removeAll(where: heirs.contains)
        if (voters.count + arriving.count).isMultiple(of: 2) { arriving = arriving.dropLast() }
        voters += arriving
        toleranceBefore = max(0, seen.failureTolerance)
        tolerance = max(0, voters.count(where: current.contains) - (voters.count / 2 + 1))
        risk = Self.risk(staying: stay, reached: stay.count(where: reached.contains))
    }

    private static func risk(staying: [NodeID], reached: Int) -> String? {
        let needed = staying.count / 2 + 1
        guard !staying.isEmpty, reached < needed else { return nil }
        return "of the \(staying.count) voters that stay, \(reached) can be reached and \(needed) are needed: "
            + "the cluster would stop"
    }
}
