import Raft
import RaftServer
import Synchronization

/// Since when this node has the role it has, which members have refused a connection since then, and for how long it has
/// looked without a pause.
final class StandingWatch: Sendable {
    private struct State {
        var standing = Standing(role: .follower, term: .zero, leader: nil)
        /// Since when nothing that was said could have been missed.
        var since = ContinuousClock.now
        var lastLook = ContinuousClock.now
        var refused: Set<NodeID> = []
        var followers: [UInt64: AsyncStream<Standing>.Continuation] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    func changed(_ standing: Standing) {
        let followers: [AsyncStream<Standing>.Continuation] = state.withLock { state in
            if standing.role != state.standing.role || standing.term != state.standing.term {
                state.since = ContinuousClock.now
                // A new leader judges by what it sees itself, from now on.
                state.refused = []
            }
            state.standing = standing
            return Array(state.followers.values)
        }
        for follower in followers { follower.yield(standing) }
    }

    func linkChanged(_ node: NodeID, _ change: LinkEvent) {
        state.withLock { state in
            switch change {
            case .up: state.refused.remove(node)
            case .down(.refused), .down(.replaced): state.refused.insert(node)
            case .down(.closed), .down(.timeout), .down(.unreachable), .down(.handshake), .down(.violation),
                .down(.removed):
                break
            }
        }
    }

    /// Looks at what the server said at `moment`.
    ///
    /// A whole machine may stand still and go on: nobody was silent then. Who finds that it, or its server, had no turn for
    /// more than `pause` begins to watch anew.
    /// - Returns: for how long it has watched, in the present role and term.
    func look(at moment: ContinuousClock.Instant, pause: Duration, now: ContinuousClock.Instant = .now) -> Duration {
        state.withLock { state in
            if now - min(state.lastLook, moment) > pause { state.since = now }
            state.lastLook = now
            return now - state.since
        }
    }

    /// Whether nothing listens where the member should be, as seen since this node has its present role.
    func hasRefused(_ node: NodeID) -> Bool { state.withLock { $0.refused.contains(node) } }

    /// The present standing, then every change.
    func changes() -> AsyncStream<Standing> {
        AsyncStream(bufferingPolicy: .bufferingNewest(16)) { continuation in
            let (number, standing) = state.withLock { state in
                state.next += 1
                state.followers[state.next] = continuation
                return (state.next, state.standing)
            }
            continuation.yield(standing)
            continuation.onTermination = { [weak self] _ in
                self?.state.withLock { _ = $0.followers.removeValue(forKey: number) }
            }
        }
    }
}
