import Synchronization
import Testing

@testable import Agents

@Suite("Tool threads")
struct ToolThreadsTests {
    /// Holds a job on its thread until it is opened.
    private final class Gate: Sendable {
        private let state = Mutex((isOpen: false, entered: 0))
        func open() { state.withLock { $0.isOpen = true } }
        var entered: Int { state.withLock { $0.entered } }
        func hold(_ interrupt: Interrupt) throws(AgentError) {
            state.withLock { $0.entered += 1 }
            while !state.withLock({ $0.isOpen }) { try interrupt.check() }
        }
    }

    private func waitUntil(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test("results and errors come back")
    func results() async throws {
        let threads = ToolThreads(threads: 1, queueLimit: 4)
        #expect(try await threads.run { _ in 42 } == 42)
        await #expect(throws: AgentError.overloaded) {
            try await threads.run { _ throws(AgentError) -> Int in throw .overloaded }
        }
    }

    @Test("one job more than the queue holds is refused, the others run")
    func overload() async throws {
        let threads = ToolThreads(threads: 1, queueLimit: 3)
        let gate = Gate()
        let first = Task { try await threads.run { interrupt throws(AgentError) in try gate.hold(interrupt) } }
        await waitUntil { gate.entered == 1 }
        let waiting = (0..<3).map { number in Task { try await threads.run { _ in number } } }
        await waitUntil { threads.waitingJobs == 3 }
        await #expect(throws: AgentError.overloaded) { try await threads.run { _ in 99 } }
        gate.open()
        try await first.value
        for (number, task) in waiting.enumerated() { #expect(try await task.value == number) }
    }

    @Test("cancelling reaches running work, and answers waiting work at once")
    func cancellation() async throws {
        let threads = ToolThreads(threads: 1, queueLimit: 4)
        let gate = Gate()
        let running = Task { try await threads.run { interrupt throws(AgentError) in try gate.hold(interrupt) } }
        await waitUntil { gate.entered == 1 }
        let ran = Mutex(false)
        let waiting = Task { try await threads.run { _ in ran.withLock { $0 = true } } }
        waiting.cancel()
        await #expect(throws: AgentError.cancelled) { try await waiting.value }
        #expect(gate.entered == 1)
        running.cancel()
        await #expect(throws: AgentError.cancelled) { try await running.value }
        #expect(try await threads.run { _ in 1 } == 1)
        #expect(ran.withLock { $0 } == false)
    }

    @Test("a job whose deadline passed does not run")
    func deadline() async throws {
        let threads = ToolThreads(threads: 1, queueLimit: 4)
        await #expect(throws: AgentError.deadlineExceeded) {
            try await threads.run(deadline: ContinuousClock.now) { _ in 1 }
        }
    }

    @Test("after shutdown waiting and new jobs are refused, running ones end")
    func shutDown() async throws {
        let threads = ToolThreads(threads: 1, queueLimit: 4)
        let gate = Gate()
        let running = Task { try await threads.run { interrupt throws(AgentError) in try gate.hold(interrupt) } }
        await waitUntil { gate.entered == 1 }
        let waiting = Task { try await threads.run { _ in 1 } }
        await waitUntil { threads.waitingJobs == 1 }
        threads.shutDown()
        threads.shutDown()
        await #expect(throws: AgentError.shutDown) { try await waiting.value }
        await #expect(throws: AgentError.shutDown) { try await threads.run { _ in 1 } }
        gate.open()
        try await running.value
    }

    @Test("a thousand jobs from many tasks all finish")
    func many() async throws {
        let threads = ToolThreads(threads: 3, queueLimit: 1_000)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<1_000 { group.addTask { try await threads.run { _ in number } } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 499_500)
    }
}
