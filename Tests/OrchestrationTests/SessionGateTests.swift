import ClusterState
import RaftServer
import Synchronization
import Testing

@testable import Orchestration

@Suite("Before a node has a session")
struct SessionGateTests {
    /// Somebody who waits, once that is so.
    private func waiting(
        at gate: SessionGate, isOpen: @escaping @Sendable () -> Bool = { false }
    ) async throws -> Task<RequestError?, Never> {
        let before = gate.count
        let task = Task { await error(at: gate, isOpen: isOpen) }
        try await eventually("it waits") { gate.count == before + 1 }
        return task
    }

    private func error(at gate: SessionGate, isOpen: @escaping @Sendable () -> Bool) async -> RequestError? {
        do throws(RequestError) {
            try await gate.wait(isOpen: isOpen)
            return nil
        } catch {
            return error
        }
    }

    @Test("whoever waits is told what the node knows: no quorum, too late, the end; and nobody is left")
    func answers() async throws {
        var limits = ServerLimits()
        limits.holdMilliseconds = 60_000
        let gate = SessionGate(limits: limits)
        let first = try await waiting(at: gate)
        gate.fail(.noQuorum)
        #expect(await first.value == .noQuorum)
        let second = try await waiting(at: gate)
        gate.expire(.now)
        #expect(gate.count == 1)
        gate.expire(.now + .seconds(61))
        #expect(await second.value == .timedOut)
        let third = try await waiting(at: gate)
        third.cancel()
        #expect(await third.value == .cancelled)
        let fourth = try await waiting(at: gate)
        gate.shut(.stopped(reason: "over"))
        #expect(await fourth.value == .stopped(reason: "over"))
        #expect(await error(at: gate) { true } == .stopped(reason: "over"))
        #expect(gate.count == 0)
    }

    @Test("a session that came between the look and the wait is not missed; one who is cancelled already does not wait")
    func races() async {
        let gate = SessionGate(limits: ServerLimits())
        #expect(await error(at: gate) { true } == nil)
        let cancelled = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await error(at: gate) { false }
        }
        #expect(await cancelled.value == .cancelled)
        #expect(gate.count == 0)
    }

    @Test("no more wait than proposals may be outstanding")
    func limit() async throws {
        var limits = ServerLimits()
        limits.outstandingProposals = 1
        let gate = SessionGate(limits: limits)
        let first = try await waiting(at: gate)
        #expect(await error(at: gate) { false } == .overloaded)
        gate.fail(.noQuorum)
        #expect(await first.value == .noQuorum)
    }

    @Test("what is proposed to a node that has just started waits for its session, and acts")
    func joining() async throws {
        try await Nodes.run(3) { nodes in
            let victim = try await nodes.follower()
            let witness = nodes.others(than: victim)[0]
            try await nodes.kill(victim)
            try await nodes.start(victim)
            // At once, before it can have heard of its new session.
            let key = try await nodes.submit([("one", [])], at: victim)
            #expect(try await nodes.end(of: key, at: witness).status == .completed)
        }
    }
}
