import Raft
import RaftServer
import Testing

@testable import RaftServer

@Suite("Requests without a leader", .serialized)
struct HoldTests {
    @Test("with links to a majority and nobody leading they wait their time, and then say that the outcome is unknown")
    func timesOut() async throws {
        try await TestCluster.run(
            3,
            configure: {
                $0.raft.electionMilliseconds = 10_000_000
                $0.limits.holdMilliseconds = 300
            }
        ) { cluster in
            let server = try cluster.server(1)
            await condition { server.links.count { if case .up = $0.state { true } else { false } } == 2 }
            let start = ContinuousClock.now
            await #expect(throws: RequestError.timedOut) { try await cluster.propose("never", at: 1) }
            await #expect(throws: RequestError.timedOut) { try await server.readIndex() }
            #expect(ContinuousClock.now - start >= .milliseconds(600))
            #expect(server.outstandingProposals == 0)
        }
    }

    @Test("without links to a majority they fail, later ones at once, until the links are back")
    func noQuorum() async throws {
        try await TestCluster.run(3, configure: { $0.limits.noQuorumAfterMilliseconds = 200 }) { cluster in
            let leader = try await cluster.leader()
            try await cluster.propose("before", at: leader)
            let server = try cluster.server(leader)
            await cluster.isolate(leader)
            // Held for 120 s if it were not for the lost links.
            await #expect(throws: RequestError.noQuorum) { try await cluster.propose("held", at: leader) }
            await condition { server.status?.hasLostMajority == true }
            await #expect(throws: RequestError.noQuorum) { try await cluster.propose("at once", at: leader) }
            await #expect(throws: RequestError.noQuorum) { try await server.readIndex() }
            let other = try await cluster.leader(except: leader)
            let told = try await cluster.propose("others go on", at: other)
            cluster.join(leader)
            await condition { server.status?.hasLostMajority == false }
            let after = try await cluster.propose("after", at: leader)
            try await cluster.expectAgreement(
                on: ["before": .init(place: 0), "others go on": told, "after": after], possibly: ["held", "at once"])
        }
    }

    @Test("links that are down for less than the time cost a request nothing but its wait")
    func shortCut() async throws {
        try await TestCluster.run(3) { cluster in
            let leader = try await cluster.leader()
            let follower = try #require(cluster.ids.first { $0 != leader })
            let server = try cluster.server(follower)
            try await cluster.propose("before", at: follower)
            await cluster.isolate(follower)
            await condition { server.links.allSatisfy { if case .up = $0.state { false } else { true } } }
            let held = Task { try await TestCluster.propose("held", at: server) }
            await condition { server.outstandingProposals == 1 }
            cluster.join(follower)
            let outcome = try await held.value
            try await cluster.expectAgreement(on: ["before": .init(place: 0), "held": outcome])
        }
    }

    @Test("stop answers everybody who waits, and everybody who comes later")
    func stopAnswers() async throws {
        try await TestCluster.run(3, configure: { $0.raft.electionMilliseconds = 10_000_000 }) { cluster in
            let server = try cluster.server(1)
            let stopped = RequestError.stopped(reason: "the node is stopping")
            let waiting = [
                Task { () async -> RequestError? in
                    do throws(RequestError) { _ = try await TestCluster.propose("x", at: server) } catch {
                        return error
                    }
                    return nil
                },
                Task { () async -> RequestError? in
                    do throws(RequestError) { _ = try await server.readIndex() } catch { return error }
                    return nil
                },
                Task { () async -> RequestError? in
                    do throws(RequestError) {
                        try await server.waitUntilApplied(LogIndex(99), milliseconds: 1_000_000)
                    } catch { return error }
                    return nil
                },
            ]
            await condition { server.outstandingProposals == 1 }
            await cluster.stop(1)
            for task in waiting { #expect(await task.value == stopped) }
            await #expect(throws: stopped) { try await TestCluster.propose("y", at: server) }
            await #expect(throws: stopped) { try await server.readIndex() }
            await #expect(throws: stopped) { try await server.waitUntilApplied(LogIndex(99), milliseconds: 10) }
            #expect(await server.transferLeadership(to: nil) == .noTarget)
            await server.stop()
        }
    }

    @Test("a proposer that is cancelled waits no longer, before its proposal or after it, and nothing of it is left")
    func cancelled() async throws {
        try await TestCluster.run(3, configure: { $0.raft.electionMilliseconds = 10_000_000 }) { cluster in
            let server = try cluster.server(1)
            let held = Task { await proposalError("held", at: server) }
            await condition { server.outstandingProposals == 1 }
            held.cancel()
            #expect(await held.value == .cancelled)
            let early = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await proposalError("early", at: server)
            }
            #expect(await early.value == .cancelled)
            #expect(server.outstandingProposals == 0)
        }
    }

    @Test("waiting for an index ends when it is applied, or when its time is over")
    func waitUntilApplied() async throws {
        try await TestCluster.run(1) { cluster in
            let server = try cluster.server(1)
            try await cluster.propose("one", at: 1)
            let applied = server.appliedIndex
            try await server.waitUntilApplied(applied, milliseconds: 0)
            await #expect(throws: RequestError.timedOut) {
                try await server.waitUntilApplied(applied.next, milliseconds: 50)
            }
            let later = Task { try await server.waitUntilApplied(applied.next, milliseconds: 1_000_000) }
            try await cluster.propose("two", at: 1)
            try await later.value
            #expect(server.appliedIndex >= applied.next)
        }
    }
}

private func proposalError(_ value: String, at server: TestCluster.Server) async -> RequestError? {
    do throws(RequestError) {
        _ = try await TestCluster.propose(value, at: server)
        return nil
    } catch {
        return error
    }
}
