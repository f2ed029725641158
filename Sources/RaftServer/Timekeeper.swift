import CPlatform
import Logging
import Synchronization

/// Lends real-time priority (SCHED_FIFO) to threads that come late because others take the cores.
///
/// A thread that had it always would be woken by every message before whoever sent it can send the next: measured on two
/// cores, replication lost nine tenths of its throughput to that. Late threads have nothing to lose.
final class Timekeeper: Sendable {
    /// A loan ends when its thread was on time for so long.
    static let loanMilliseconds: UInt64 = 1000

    /// Has its argument called on the watched thread, behind what waits there.
    typealias Ask = @Sendable (_ answer: @escaping @Sendable () -> Void) -> Void

    private let end = Mailbox<Void>()
    private let thread: ServerThread

    /// Watches from now on, or not at all where the system does not permit real-time priorities.
    /// - Parameter intervalMilliseconds: what has not answered for so long is late.
    init(priority: Int32, intervalMilliseconds: UInt64, logger: Logger, _ threads: [Ask]) {
        let end = end
        thread = ServerThread(name: "amas-timekeep") {
            let refusal = amas_thread_set_realtime(amas_thread_id(), priority)
            guard refusal == 0 else {
                logger.notice("no real-time priority is permitted", metadata: ["errno": .stringConvertible(refusal)])
                return
            }
            var watched = threads.map { Watched(ask: $0, priority: priority) }
            while end.take(until: MonotonicTime.now.adding(milliseconds: intervalMilliseconds)) != nil {
                for place in watched.indices { watched[place].look(at: MonotonicTime.now) }
            }
        }
    }

    /// Blocks until nothing is asked any more.
    func stop() {
        end.close()
        thread.join()
    }

    private struct Watched {
        /// The thread's id once it has answered, and zero while an answer is awaited.
        private final class Answer: Sendable {
            let thread = Atomic<Int32>(0)
        }

        let ask: Ask
        let priority: Int32
        private let answer = Answer()
        /// Zero until the first answer.
        private var thread: Int32 = 0
        private var loanEnd: MonotonicTime?

        init(ask: @escaping Ask, priority: Int32) {
            self.ask = ask
            self.priority = priority
        }

        mutating func look(at now: MonotonicTime) {
            let answered = answer.thread.exchange(0, ordering: .relaxed)
            if answered != 0 {
                thread = answered
                if let end = loanEnd, end <= now {
                    loanEnd = nil
                    _ = amas_thread_set_realtime(thread, 0)
                }
            } else if thread != 0 {
                if loanEnd == nil { _ = amas_thread_set_realtime(thread, priority) }
                loanEnd = now.adding(milliseconds: Timekeeper.loanMilliseconds)
                return
            }
            // One that has never answered may not run yet: it is asked again.
            ask { [answer] in answer.thread.store(amas_thread_id(), ordering: .relaxed) }
        }
    }
}
