import Raft
import Testing

@testable import RaftServer

@Suite("Proposals that wait for their outcome")
struct PendingProposalsTests {
    typealias Pending = PendingProposals<Int>

    /// Registers one and waits until it is there.
    private func waiting(_ pending: Pending, at now: MonotonicTime) async throws -> (
        UInt64, Task<Pending.Answer, Never>
    ) {
        let (sequence, _) = try pending.reserve().get()
        let task = Task {
            await withCheckedContinuation { answer in
                pending.register(sequence, bytes: [1], now: now) { answer.resume(returning: $0) }
            }
        }
        await condition { pending.isRegistered(sequence) }
        return (sequence, task)
    }

    @Test("refused the only time it was submitted, it had no effect")
    func refusedOnce() async throws {
        let pending = Pending(limits: ServerLimits())
        let (sequence, answer) = try await waiting(pending, at: .now)
        pending.refuse(sequence, .overloaded, now: .now)
        #expect(await answer.value == .failure(.overloaded))
        #expect(pending.count == 0)
    }

    @Test("refused after it was submitted twice it stays held: the other submission may be in a log")
    func refusedTwice() async throws {
        let pending = Pending(limits: ServerLimits())
        let (sequence, answer) = try await waiting(pending, at: .now)
        #expect(pending.toSubmit(now: .now, onlyOverdue: false) == [[1]])
        pending.refuse(sequence, .overloaded, now: .now)
        #expect(pending.count == 1)
        pending.complete(sequence, 7)
        #expect(await answer.value == .success(7))
    }

    @Test("what has no outcome is submitted again after a wait that doubles")
    func doublingWait() async throws {
        var limits = ServerLimits()
        limits.resubmitAfterMilliseconds = 100
        let pending = Pending(limits: limits)
        let start = MonotonicTime(microseconds: 1_000_000)
        let (_, answer) = try await waiting(pending, at: start)
        var submissions: [UInt64] = []
        for millisecond in 0..<3000 as Range<UInt64> {
            let now = start.adding(milliseconds: millisecond)
            if !pending.toSubmit(now: now, onlyOverdue: true).isEmpty { submissions.append(millisecond) }
        }
        #expect(submissions == [100, 300, 700, 1500])
        pending.stop(.timedOut)
        #expect(await answer.value == .failure(.timedOut))
    }

    @Test("another leader, and one that has refused it, gets it as soon again as the first: the wait begins anew")
    func waitBeginsAnew() async throws {
        var limits = ServerLimits()
        limits.resubmitAfterMilliseconds = 100
        let pending = Pending(limits: limits)
        let start = MonotonicTime(microseconds: 1_000_000)
        let (sequence, _) = try await waiting(pending, at: start)
        func isOverdue(_ millisecond: UInt64) -> Bool {
            !pending.toSubmit(now: start.adding(milliseconds: millisecond), onlyOverdue: true).isEmpty
        }
        #expect(isOverdue(100) && isOverdue(300))
        _ = pending.toSubmit(now: start.adding(milliseconds: 310), onlyOverdue: false)
        #expect(!isOverdue(409) && isOverdue(410))
        pending.refuse(sequence, .overloaded, now: start.adding(milliseconds: 420))
        #expect(!isOverdue(519) && isOverdue(520))
        pending.stop(.timedOut)
    }

    @Test("a proposer that waits no longer leaves nothing behind, and its outcome finds nobody")
    func cancelled() async throws {
        let pending = Pending(limits: ServerLimits())
        let (sequence, answer) = try await waiting(pending, at: .now)
        pending.cancel(sequence)
        #expect(await answer.value == .failure(.cancelled))
        pending.complete(sequence, 7)
        #expect(pending.count == 0)
        #expect(try pending.reserve().get() == (2, 2))
        // Before its registration there is nothing to end: whoever registers looks for itself.
        pending.cancel(2)
        #expect(pending.count == 1)
    }

    @Test("the floor is the lowest sequence that still waits")
    func floor() throws {
        let pending = Pending(limits: ServerLimits())
        let first = try pending.reserve().get()
        let second = try pending.reserve().get()
        let third = try pending.reserve().get()
        #expect([first.sequence, second.sequence, third.sequence] == [1, 2, 3])
        pending.release(second.sequence)
        #expect(try pending.reserve().get() == (4, 1))
        pending.release(first.sequence)
        #expect(try pending.reserve().get() == (5, 3))
    }
}
