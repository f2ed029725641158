import CPostgres
import Synchronization

/// A wish to cancel what a connection runs, sent to the server over a connection of its own.
///
/// `PQcancel` blocks until the server has hung up, which a halted server never does, so it has a thread of its own and
/// nobody waits for it longer than the grace. It is sent unencrypted (libpq before 17 has no other way), which shows no
/// more than the process number and its cancel key.
final class CancelRequest: Sendable {
    private let ended = Atomic(false)

    /// The server has hung up: the cancel has reached its target or failed, and cannot hit a later statement.
    var hasEnded: Bool { ended.load(ordering: .acquiring) }

    /// Sends the wish; `wake` is woken when it has ended. Nil if no slot, memory or thread is left.
    init?(_ connection: OpaquePointer, slots: CancelSlots, wake: WakePipe) {
        guard slots.take() else { return nil }
        guard let target = PQgetCancel(connection) else {
            slots.giveBack()
            return nil
        }
        let ticket = Ticket(target: target)
        let started = DedicatedThread.start(name: "pg-cancel") { [self] in
            ticket.send()
            slots.giveBack()
            ended.store(true, ordering: .releasing)
            wake.wake()
        }
        guard started else {
            slots.giveBack()
            return nil
        }
    }

    /// Owns a `PGcancel`.
    ///
    /// Unchecked because of the pointer: it is a copy of the connection's address and key, made for use in another
    /// thread, and that thread is the only one to touch it.
    private final class Ticket: @unchecked Sendable {
        private let target: OpaquePointer

        init(target: OpaquePointer) {
            self.target = target
        }

        deinit {
            PQfreeCancel(target)
        }

        func send() {
            var complaint = [CChar](repeating: 0, count: 256)
            // A cancel that fails shows by the grace that passes; there is nothing more to do about it.
            _ = PQcancel(target, &complaint, Int32(complaint.count))
        }
    }
}

/// Counts the cancel requests of a pool that are under way.
final class CancelSlots: Sendable {
    private let free: Atomic<Int>

    init(_ count: Int) {
        free = Atomic(count)
    }

    func take() -> Bool {
        if free.wrappingSubtract(1, ordering: .relaxed).newValue >= 0 { return true }
        giveBack()
        return false
    }

    func giveBack() {
        free.wrappingAdd(1, ordering: .relaxed)
    }
}

/// A caller's word that it no longer waits for its request; set once, from any thread.
final class Interruption: Sendable {
    private let raised = Atomic(false)

    var isRaised: Bool { raised.load(ordering: .acquiring) }

    func raise() {
        raised.store(true, ordering: .releasing)
    }
}
