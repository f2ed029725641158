public import ClusterState
public import Raft
import RaftServer

/// One member as somebody sees it. What the state says of it, such as whether it takes tasks, is another matter.
public struct MemberStatus: Equatable, Sendable {
    public enum Role: CaseIterable, Sendable {
        case voter, joining, gateway
    }

    public var id: NodeID
    public var role: Role
    /// Whether it was heard within the detection interval.
    public var isReached: Bool
    /// The last entry known to be durable there; nil where only a leader could know.
    public var match: LogIndex?
    /// Committed entries that it does not have yet; nil where `match` is.
    public var lagEntries: UInt64?
    /// Further behind than the cluster could wait for if another failed.
    public var isFarBehind: Bool
    /// Nil if it was never heard.
    public var millisecondsSinceContact: UInt64?

    /// Whether the cluster could go on with it at once if another failed.
    var isCurrent: Bool { isReached && !isFarBehind }

    public enum Condition: CaseIterable, Sendable {
        case available, suspended, left, joining, lagging, unreachable
    }

    /// What an operator wants to know first: whether it is there and up to date, then what the state says of it.
    public func condition(in state: ClusterState) -> Condition {
        if !isReached { return .unreachable }
        if isFarBehind { return .lagging }
        return switch state.node(id)?.status {
        case .available?: .available
        case .suspended?: .suspended
        case .left?: .left
        case nil: .joining
        }
    }
}

/// The members as one node sees them: the leader, whose view every node has from its last report, or, without a fresh one, the
/// node that is asked, which then knows only whom it hears itself.
public struct ClusterMembers: Equatable, Sendable {
    /// Whose view this is.
    public var seenBy: NodeID
    /// How old the view is.
    public var ageMilliseconds: UInt64
    /// In the order of their ids.
    public var members: [MemberStatus]
    public var hasQuorum: Bool
    /// Voters that may still fail: those that are reached and not far behind, less a quorum. Below zero the cluster already
    /// depends on one that is not.
    public var failureTolerance: Int

    private init(
        seenBy: NodeID, ageMilliseconds: UInt64, members: [MemberStatus], membership: Membership
    ) {
        self.seenBy = seenBy
        self.ageMilliseconds = ageMilliseconds
        self.members = members
        let reached = Set(members.lazy.filter(\.isReached).map(\.id))
        hasQuorum = membership.isQuorum(reached.contains)
        let current = Set(members.lazy.filter(\.isCurrent).map(\.id))
        // While the voters change two quorums are needed, and the poorer one decides.
        failureTolerance =
            [membership.voters, membership.outgoing].filter { !$0.isEmpty }
            .map { voters in voters.count(where: current.contains) - (voters.count / 2 + 1) }.min() ?? 0
    }

    /// - Parameter report: the last one that came, with its age.
    init(
        _ server: ServerStatus, links: [LinkStatus], report: (MemberReport, ageMilliseconds: UInt64)?,
        limits: ClusterLimits
    ) {
        let isReported =
            report.map { report, age in
                report.leader == server.standing.leader && report.term == server.standing.term
                    && age <= limits.memberReportMilliseconds
            } ?? false
        let seen: MemberReport
        var age: UInt64 = 0
        if server.standing.role != .leader, isReported, let report {
            (seen, age) = report
        } else {
            seen = MemberReport(of: server, links: links, limits: limits)
        }
        let members = server.membership.members.map { node in
            let row = seen.rows.first { $0.id == node }
            let lag = row?.match.map { seen.commit.rawValue - min(seen.commit, $0).rawValue }
            return MemberStatus(
                id: node, role: Self.role(of: node, in: server.membership), isReached: row?.isReached ?? false,
                match: row?.match, lagEntries: lag, isFarBehind: lag.map { $0 > limits.memberLagEntries } ?? false,
                millisecondsSinceContact: row?.millisecondsSinceContact)
        }
        self.init(
            seenBy: seen.leader ?? server.id, ageMilliseconds: age, members: members, membership: server.membership)
    }

    private static func role(of node: NodeID, in membership: Membership) -> MemberStatus.Role {
        if membership.isVoter(node) { return .voter }
        return membership.joining.contains(node) ? .joining : .gateway
    }
}
