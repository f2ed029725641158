import Raft
import RaftServer
import Testing

@testable import RaftServer

@Suite("Linearizable reads", .serialized)
struct ReadTests {
    @Test("a read on any node shows every write acknowledged before it began, through the death of leaders as well")
    func readsSeeWrites() async throws {
        try await TestCluster.run(3) { cluster in
            let load = Load()
            let checked = Counter()
            _ = try await cluster.leader()
            let servers = try cluster.ids.map { try cluster.server($0) }
            let ledgers = try cluster.ids.map { try cluster.ledger($0) }
            await withTaskGroup(of: Void.self) { group in
                for (place, server) in servers.enumerated() {
                    group.addTask { await load.client("w\(place)", at: server) }
                }
                for (server, ledger) in zip(servers, ledgers) {
                    group.addTask {
                        while true {
                            let acknowledged = Set(load.result.accepted.keys)
                            do throws(RequestError) {
                                let index = try await server.readIndex()
                                try await server.waitUntilApplied(index, milliseconds: 120_000)
                            } catch {
                                // The node was killed; of another error the test must hear.
                                guard case .stopped = error else { return #expect(error == .stopped(reason: "")) }
                                return
                            }
                            #expect(acknowledged.isSubset(of: ledger.values))
                            checked.count()
                            if load.acceptedCount > 400 { return }
                        }
                    }
                }
                for _ in 0..<2 {
                    let before = (load.acceptedCount, checked.value)
                    await condition {
                        load.acceptedCount > before.0 + 30 && checked.value > before.1 + 10
                    }
                    guard let leader = try? await cluster.leader() else { break }
                    await cluster.kill(leader)
                    _ = try? await cluster.start(leader)
                }
                await condition { load.acceptedCount > 400 }
                load.end()
            }
            #expect(checked.value >= 20)
            #expect(load.result.failed.isEmpty)
        }
    }

    @Test("past the limit of readers a node refuses at once")
    func readerLimit() async throws {
        try await TestCluster.run(
            3,
            configure: {
                $0.raft.electionMilliseconds = 10_000_000
                $0.limits.outstandingReads = 3
                $0.limits.holdMilliseconds = 120_000
            }
        ) { cluster in
            let server = try cluster.server(1)
            let refused = Counter()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<5 {
                    group.addTask {
                        do throws(RequestError) { _ = try await server.readIndex() } catch {
                            if error == .overloaded { refused.count() }
                        }
                    }
                }
                await condition { refused.value == 2 }
                await cluster.kill(1)
            }
            #expect(refused.value == 2)
        }
    }

    @Test("many readers at once share a few rounds")
    func shared() async throws {
        try await TestCluster.run(3) { cluster in
            let follower = try #require(try await cluster.followers().first)
            try await cluster.propose("x", at: follower)
            let server = try cluster.server(follower)
            let indices = try await withThrowingTaskGroup(of: LogIndex.self) { group in
                for _ in 0..<500 { group.addTask { try await server.readIndex() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(indices.count == 500)
            #expect(indices.allSatisfy { $0 >= LogIndex(2) })
        }
    }

    @Test("an answer to an earlier process of the node is not taken for one to this process")
    func earlierProcess() async throws {
        let limits = ServerLimits()
        let now = MonotonicTime.now
        let (earlier, later) = (
            PendingReads(limits: limits, boot: BootID(1)), PendingReads(limits: limits, boot: BootID(2))
        )
        async let oldReader = withCheckedContinuation { _ = earlier.register(now: now, answer: $0) }
        async let reader = withCheckedContinuation { _ = later.register(now: now, answer: $0) }
        var (old, new): (UInt64?, UInt64?) = (nil, nil)
        await condition {
            old = old ?? earlier.request(now: now)
            return old != nil
        }
        await condition {
            new = new ?? later.request(now: now)
            return new != nil
        }
        later.answer(try #require(old), LogIndex(3))
        later.answer(try #require(new), LogIndex(5))
        #expect(await reader == .success(LogIndex(5)))
        earlier.failAll(.timedOut)
        #expect(await oldReader == .failure(.timedOut))
    }
}
