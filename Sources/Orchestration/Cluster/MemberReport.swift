import Raft
import RaftServer
import Synchronization

/// What a node knows of the members. A leader tells the others its own (`EphemeralTopic.members`), because it alone hears them all
/// and knows what they have.
struct MemberReport: Equatable, Sendable {
    struct Row: Equatable, Sendable {
        var id: NodeID
        var isReached: Bool
        var match: LogIndex?
        var millisecondsSinceContact: UInt64?
    }

    /// Nil in what a node that does not lead knows by itself.
    var leader: NodeID?
    var term: Term
    var commit: LogIndex
    var rows: [Row]

    /// Of a leader, the members as Raft hears them; of another node, as its links do.
    init(of server: ServerStatus, links: [LinkStatus], limits: ClusterLimits) {
        let leads = server.standing.role == .leader
        (leader, term, commit) = (leads ? server.id : nil, server.standing.term, server.commitIndex)
        let own = Row(id: server.id, isReached: true, match: server.durableIndex, millisecondsSinceContact: 0)
        let others =
            if leads {
                server.peers.map { peer in
                    Row(
                        id: peer.id,
                        isReached: peer.isReachable && peer.millisecondsSinceContact < limits.detectionMilliseconds,
                        match: peer.match, millisecondsSinceContact: peer.millisecondsSinceContact)
                }
            } else {
                links.map { link in
                    let isUp: Bool = if case .up = link.state { true } else { false }
                    let silence = link.millisecondsSinceContact
                    return Row(
                        id: link.node, isReached: isUp && silence.map { $0 < limits.detectionMilliseconds } ?? false,
                        match: nil, millisecondsSinceContact: silence)
                }
            }
        rows = [own] + others
    }
}

extension MemberReport {
    private static let headBytes = 16
    private static let rowBytes = 25

    /// term (8), commit (8), then for each member: id (8), reached (1), match (8), milliseconds since contact (8)
    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headBytes + rows.count * Self.rowBytes)
        bytes.appendLittleEndian(term.rawValue)
        bytes.appendLittleEndian(commit.rawValue)
        for row in rows {
            bytes.appendLittleEndian(row.id.rawValue)
            bytes.append(row.isReached ? 1 : 0)
            bytes.appendLittleEndian(row.match?.rawValue ?? 0)
            bytes.appendLittleEndian(row.millisecondsSinceContact ?? .max)
        }
        return bytes
    }

    /// Nil for what no member sends.
    init?(decoding bytes: [UInt8], from leader: NodeID) {
        let (rows, rest) = (bytes.count - Self.headBytes).quotientAndRemainder(dividingBy: Self.rowBytes)
        guard rows > 0, rest == 0 else { return nil }
        self.leader = leader
        term = Term(bytes[...].littleEndian(at: 0))
        commit = LogIndex(bytes[...].littleEndian(at: 8))
        self.rows = (0..<rows).map { row in
            let start = Self.headBytes + row * Self.rowBytes
            return Row(
                id: NodeID(bytes[...].littleEndian(at: start)), isReached: bytes[start + 8] == 1,
                match: LogIndex(bytes[...].littleEndian(at: start + 9)),
                millisecondsSinceContact: bytes[...].littleEndian(at: start + 17))
        }
    }
}

/// The reports that come and go.
final class MemberReports: Sendable {
    private struct State {
        var received: (report: MemberReport, at: ContinuousClock.Instant)?
        /// What the last one sent said of each member.
        var sent: (current: [NodeID: Bool], term: Term, at: ContinuousClock.Instant)?
    }

    private let state = Mutex(State())

    func receive(_ report: MemberReport) {
        state.withLock { state in
            if let last = state.received, last.report.term > report.term { return }
            state.received = (report, .now)
        }
    }

    var latest: (report: MemberReport, ageMilliseconds: UInt64)? {
        guard let (report, moment) = state.withLock({ $0.received }) else { return nil }
        return (report, UInt64((ContinuousClock.now - moment) / .milliseconds(1)))
    }

    /// Whether the leader should send again: the time has come, or whom the cluster can count on has changed.
    func isDue(_ members: ClusterMembers, term: Term, limits: ClusterLimits) -> Bool {
        let current = Dictionary(uniqueKeysWithValues: members.members.map { ($0.id, $0.isCurrent) })
        return state.withLock { state in
            let now = ContinuousClock.now
            if let sent = state.sent, sent.term == term, sent.current == current,
                now - sent.at < .milliseconds(limits.memberReportIntervalMilliseconds)
            {
                return false
            }
            state.sent = (current, term, now)
            return true
        }
    }
}
