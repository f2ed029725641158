import Synchronization

/// How much of what one peer has sent still waits with the transport's user, and whether more is read from it.
///
/// TCP does the rest: a peer that is not read from fills the kernel's buffers, and then its own queue.
final class InboundWindow: Sendable {
    private struct State {
        var heldBytes = 0
        var isOpen = true
    }

    private let limitBytes: Int
    private let state = Mutex(State())
    private let reopened: @Sendable () -> Void

    /// - Parameter reopened: makes the transport's thread look at `isOpen` soon. Any thread; must not come back here at once.
    init(limitBytes: Int, reopened: @escaping @Sendable () -> Void) {
        self.limitBytes = limitBytes
        self.reopened = reopened
    }

    /// Whether the peer is read from. The transport's thread acts on what it finds here, not on the order of messages.
    var isOpen: Bool { state.withLock { $0.isOpen } }
    var heldBytes: Int { state.withLock { $0.heldBytes } }

    /// The user holds so much more. Returns whether the peer may go on being read from.
    func hold(_ bytes: Int) -> Bool {
        state.withLock { state in
            state.heldBytes += bytes
            if state.heldBytes >= limitBytes { state.isOpen = false }
            return state.isOpen
        }
    }

    /// The user holds so much less. Bytes of a link that is gone may come back to the one that followed it.
    func release(_ bytes: Int) {
        let opens = state.withLock { state in
            state.heldBytes = max(0, state.heldBytes - bytes)
            guard !state.isOpen, state.heldBytes <= limitBytes / 2 else { return false }
            state.isOpen = true
            return true
        }
        if opens { reopened() }
    }
}
