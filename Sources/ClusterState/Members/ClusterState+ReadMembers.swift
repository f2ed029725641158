public import Raft

/// A node that takes part, or shall.
public struct MemberView: Equatable, Sendable {
    public enum Role: CaseIterable, Sendable {
        case voter, joining, gateway
    }

    public var id: NodeID
    public var record: MemberRecord

    public init(id: NodeID, record: MemberRecord) {
        self.id = id
        self.record = record
    }

    /// Nil: it shall leave.
    public var wanted: Role? { Role(record.wantedCode) }
    /// Nil while it is not in the configuration yet.
    public var role: Role? { Role(record.roleCode) }

    /// Whether everything is as wanted, but for the vote of one that catches up: the leader gives it without being asked.
    public var isSettled: Bool {
        guard record.replaces == 0, record.nextIncarnation == 0 else { return false }
        return wanted == role || (wanted == .voter && role == .joining)
    }
}

extension MemberView.Role {
    fileprivate init?(_ code: MemberRoleCode) {
        switch code {
        case .voter: self = .voter
        case .joining: self = .joining
        case .gateway: self = .gateway
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }
}

extension ClusterState {
    /// The machine version that knows members.
    public static var membersSince: UInt32 { 2 }
    /// The machine version in which a member whose disk is lost comes back whatever else is changing.
    public static var lostFoldersFirstSince: UInt32 { 5 }

    /// In the order of their ids. Empty in a cluster that was not yet founded at a version that knows members.
    public var members: [MemberView] {
        tables.members.rows.lazy.filter { !$0.value.record.hasLeft }
            .map { MemberView(id: NodeID($0.key.value), record: $0.value.record) }
    }

    public func member(_ id: NodeID) -> MemberView? {
        guard let record = tables.members[NumberKey(id.rawValue)], !record.hasLeft else { return nil }
        return MemberView(id: id, record: record)
    }

    /// Whether the node is still a member, and shall not be: it was removed, or another takes its place.
    public func shallLeave(_ id: NodeID) -> Bool {
        guard let member = member(id) else { return false }
        return member.wanted == nil || members.contains { $0.record.replaces == id.rawValue }
    }

    /// Whether the node shall take no new tasks and no clients.
    public func shallDrain(_ id: NodeID) -> Bool { member(id)?.record.drainRequested == true || shallLeave(id) }

    /// Members that shall leave and still have clients or tasks. They say goodbye when they have ended those; for one that
    /// cannot, the leader does.
    public var leavingMembers: [NodeID] {
        members.map(\.id).filter { shallLeave($0) && node($0).map { $0.status != .left } ?? false }
    }

    /// Whether the node took part with this data folder and does no more.
    public func hasLeft(_ id: NodeID, incarnation: UInt64) -> Bool {
        guard let record = tables.members[NumberKey(id.rawValue)], record.hasLeft else { return false }
        return record.incarnation == incarnation
    }
}
