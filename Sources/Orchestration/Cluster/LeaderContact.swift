import Raft
import RaftServer
import Synchronization

/// When this node was last one of a cluster that decides: it heard the leader, or led and a quorum answered.
///
/// An election is no loss of contact: it counts from the last moment in which there was a leader.
final class LeaderContact: Sendable {
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    /// Takes in what the server knows now.
    func observe(_ status: ServerStatus, at now: ContinuousClock.Instant = .now) {
        guard status.halted == nil, let silence = Self.silenceMilliseconds(status) else { return }
        let contact = now - .milliseconds(silence)
        last.withLock { $0 = max($0 ?? contact, contact) }
    }

    /// Nil until the first contact.
    func silence(at now: ContinuousClock.Instant = .now) -> Duration? {
        last.withLock { last in last.map { max(.zero, now - $0) } }
    }

    /// A leader that was cut off believes in itself for a while longer; what its quorum last said is what counts.
    private static func silenceMilliseconds(_ status: ServerStatus) -> UInt64? {
        switch status.standing.role {
        case .leader:
            let since = Dictionary(status.peers.map { ($0.id, $0.millisecondsSinceContact) }, uniquingKeysWith: min)
            // The greatest value that a quorum has reached, of values that fall with silence.
            let freshness = status.membership.quorumValue { node in
                node == status.id ? UInt64.max : .max - (since[node] ?? .max)
            }
            return freshness.map { .max - $0 }
        case .follower, .preCandidate, .candidate: return status.millisecondsSinceLeaderContact
        }
    }
}
