import CPlatform
import Glibc
import Logging
import Synchronization
import Testing

@testable import RaftServer

/// Needs the right to real-time priorities, as root has it.
private let isPermitted: Bool = {
    let outcome = Atomic<Int32>(0)
    ServerThread(name: "probe") { outcome.store(amas_thread_set_realtime(amas_thread_id(), 1), ordering: .relaxed) }
        .join()
    return outcome.load(ordering: .relaxed) == 0
}()

@Suite("Real-time priority for threads that come late")
struct TimekeeperTests {
    @Test(
        "a thread that comes late is lent real-time priority until it was on time for a while, also one that began later",
        .enabled(if: isPermitted, "the system permits no real-time priorities here"))
    func lends() async throws {
        let thread = Asked()
        let questions = Atomic(0)
        let timekeeper = Timekeeper(
            priority: 5, intervalMilliseconds: 20, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            [{ if questions.add(1, ordering: .relaxed).newValue > 3 { thread.requests.post($0) } }])
        await condition { thread.hasAnswered }
        thread.gate.shut()
        await condition { thread.policy == SCHED_FIFO }
        thread.gate.open()
        await condition { thread.policy == SCHED_OTHER }
        timekeeper.stop()
        thread.requests.close()
    }

    /// A thread that answers while its gate is open.
    private final class Asked: Sendable {
        let requests = Mailbox<@Sendable () -> Void>()
        let gate = Gate()
        private let thread = Atomic<Int32>(0)

        init() {
            _ = ServerThread(name: "asked") { [self] in
                while let batch = requests.take(until: nil) {
                    gate.pass()
                    for answer in batch { answer() }
                    thread.store(amas_thread_id(), ordering: .relaxed)
                }
            }
        }

        var hasAnswered: Bool { thread.load(ordering: .relaxed) != 0 }
        /// Without the flag that keeps it from being inherited.
        var policy: Int32 { sched_getscheduler(thread.load(ordering: .relaxed)) & 0xff }
    }
}
