public import ClusterState
import Synchronization

/// What one batch of the log has brought.
public struct AppliedBatch: Sendable {
    /// The state after the batch.
    public let state: ClusterState
    public let applied: [Applied]
    /// The state came as a snapshot: there is no list of what changed, and every view must look anew.
    public let isRestored: Bool
}

/// Returned by `Cluster.observe`; needed to end it.
public struct ObserverToken: Hashable, Sendable {
    fileprivate let number: UInt64
}

/// Those who want to see every batch. Called in log order, on the thread that applies.
final class Observers: Sendable {
    private struct State {
        var next: UInt64 = 0
        var handlers: [(token: ObserverToken, handler: @Sendable (AppliedBatch) -> Void)] = []
    }

    private let state = Mutex(State())

    func add(_ handler: @escaping @Sendable (AppliedBatch) -> Void) -> ObserverToken {
        state.withLock { state in
            state.next += 1
            let token = ObserverToken(number: state.next)
            state.handlers.append((token, handler))
            return token
        }
    }

    func remove(_ token: ObserverToken) {
        state.withLock { $0.handlers.removeAll { $0.token == token } }
    }

    func notify(_ batch: AppliedBatch) {
        for (_, handler) in state.withLock({ $0.handlers }) { handler(batch) }
    }
}
