import DiskFaults
import Foundation
import Logging
import Raft
import RaftServer
import Testing

@testable import RaftServer
@testable import WriteAheadLog

@Suite("Start, hand over, halt", .serialized)
struct LifeTests {
    @Test("after a restart of every node at once all that was acknowledged is there", arguments: [1, 3])
    func restartAll(nodes: Int) async throws {
        try await TestCluster.run(nodes) { cluster in
            let load = Load()
            await load.run(4, count: 10, at: try cluster.ids.map { try cluster.server($0) })
            for id in cluster.ids { await cluster.kill(id) }
            for id in cluster.ids { try await cluster.start(id) }
            let outcome = try await cluster.propose("after", at: 1)
            var accepted = load.result.accepted
            accepted["after"] = outcome
            try await cluster.expectAgreement(on: accepted)
        }
    }

    @Test("a folder of another cluster or node is refused in a sentence that names both")
    func foreignFolder() async throws {
        try await TestCluster.run(1) { cluster in
            try await cluster.propose("mine", at: 1)
            await cluster.kill(1)
            func sentence(_ change: (inout RaftServerConfiguration) -> Void) throws -> String {
                var configuration = try cluster.configuration(of: 1)
                change(&configuration)
                do throws(ServerStartError) {
                    _ = try TestCluster.Server.open(
                        configuration, machine: Ledger(),
                        callbacks: .init(isKnown: { _ in .accepted }, failed: { preconditionFailure($0) }),
                        logger: .init(label: "test") { _ in LogRecorder().handler })
                    return "it started"
                } catch {
                    return error.description
                }
            }
            let other = try sentence { $0.clusterID = "elsewhere" }
            #expect(other.contains("elsewhere") && other.contains(TestNode.clusterID))
            let stranger = try sentence { $0.node = NodeID(7) }
            #expect(stranger.contains("7") && stranger.contains("1"))
            try await cluster.start(1)
            let inUse = try sentence { _ in }
            #expect(inUse.contains("use"))
            let ledger = try cluster.ledger(1)
            await condition { ledger.values == ["mine"] }
        }
    }

    /// No pause of a busy machine is taken for the end of a leader: whoever leads then has been handed it.
    private static let calm: TestCluster.Configure = { $0.raft.electionMilliseconds = 4000 }

    @Test("leadership goes to the member that is named, and requests go on")
    func transfer() async throws {
        try await TestCluster.run(3, configure: Self.calm) { cluster in
            let leader = try await cluster.leader()
            try await cluster.propose("before", at: leader)
            let target = try #require(cluster.ids.first { $0 != leader })
            // On a busy machine the target may not make it in time; then the leader leads on and is asked again.
            while await (try cluster.server(leader)).transferLeadership(to: NodeID(target)) == .timedOut {}
            let server = try cluster.server(target)
            await condition { server.status?.standing.role == .leader }
            try await cluster.propose("after", at: leader)
            #expect(server.status?.standing.role == .leader)
            #expect(await (try cluster.server(leader)).transferLeadership(to: nil) == .noTarget)
        }
    }

    @Test("a member that is down is handed nothing, and the leader leads on")
    func transferToDead() async throws {
        try await TestCluster.run(3, configure: Self.calm) { cluster in
            let leader = try await cluster.leader()
            let target = try #require(cluster.ids.first { $0 != leader })
            try await cluster.propose("before", at: leader)
            await cluster.kill(target)
            let outcome = await (try cluster.server(leader)).transferLeadership(to: NodeID(target))
            #expect(outcome == .timedOut || outcome == .noTarget)
            try await cluster.propose("after", at: leader)
            #expect(try cluster.server(leader).status?.standing.role == .leader)
        }
    }

    @Test("a leader that is stopped hands over first: its successor is elected while it still answers")
    func stopHandsOver() async throws {
        try await TestCluster.run(3, configure: Self.calm) { cluster in
            let leader = try await cluster.leader()
            try await cluster.propose("before", at: leader)
            let term = try #require(try cluster.server(leader).status?.standing.term)
            let others = cluster.ids.filter { $0 != leader }
            let servers = try others.map { try cluster.server($0) }
            await cluster.stop(leader)
            // Already, not eventually: the successor won before the leader closed its links.
            #expect(servers.contains { ($0.status?.standing.term ?? .zero) > term })
            let after = try await cluster.propose("after", at: others[0])
            try await cluster.expectAgreement(on: ["before": .init(place: 0), "after": after])
        }
    }

    @Test("a command of a newer version stops a node with a sentence, and leaves nobody waiting", arguments: [1, 3])
    func halts(nodes: Int) async throws {
        try await TestCluster.run(nodes) { cluster in
            try await cluster.propose("before", at: 1)
            // Asked at every node: whoever leads, the first answer comes from one that has applied it.
            let (id, error) = try await withThrowingTaskGroup(of: (UInt64, RequestError?).self) { group in
                for id in cluster.ids {
                    let server = try cluster.server(id)
                    group.addTask {
                        do throws(RequestError) {
                            _ = try await TestCluster.propose("too new", at: server, machineVersion: 2)
                        } catch {
                            return (id, error)
                        }
                        return (id, nil)
                    }
                }
                defer { group.cancelAll() }
                return try #require(try await group.next())
            }
            guard let error, case .stopped(let reason) = error else {
                Issue.record("\(error.map { "\($0)" } ?? "it was applied")")
                return
            }
            let server = try cluster.server(id)
            #expect(reason.contains("upgrade me"))
            await condition { server.status?.halted != nil }
            #expect(server.status?.standing.leader == nil)
            await #expect(throws: error) { try await TestCluster.propose("later", at: server) }
            await #expect(throws: error) { try await server.readIndex() }
            await #expect(throws: error) {
                try await server.waitUntilApplied(LogIndex(1_000_000), milliseconds: 1_000_000)
            }
            #expect(await server.transferLeadership(to: nil) == .noTarget)
            await cluster.stop(id)
        }
    }

    @Test("a leader that is halted gives way, and the others go on without it")
    func haltedLeader() async throws {
        try await TestCluster.run(3) { cluster in
            let leader = try await cluster.leader()
            try await cluster.propose("before", at: leader)
            try cluster.server(leader).halt(StateMachineHalt(reason: "it differs"))
            let successor = try await cluster.leader(except: leader)
            let after = try await cluster.propose("after", at: successor)
            #expect(after == Ledger.Outcome(place: 1))
            let others = try cluster.ids.filter { $0 != leader }.map { try cluster.ledger($0) }
            await condition { others.allSatisfy { $0.count == 2 } }
            #expect(try cluster.ledger(leader).count == 1)
        }
    }

    @Test("a leader whose disk stands still hands over, and nobody sees an error")
    func diskStall() async throws {
        let disks = Dictionary(uniqueKeysWithValues: (1...3).map { (UInt64($0), FullDisk()) })
        try await TestCluster.run(
            3,
            configure: { configuration in
                guard let disk = disks[configuration.node.rawValue] else { return }
                configuration.openStorage = { (folder: String) throws(WriteAheadLogError) in try disk.open(folder) }
                configuration.raft.diskStallMilliseconds = 200
            }
        ) { cluster in
            let leader = try await cluster.leader()
            let follower = try #require(cluster.ids.first { $0 != leader })
            try await cluster.propose("before", at: follower)
            disks[leader]?.standStill()
            defer { disks[leader]?.goOn() }
            // The two others commit it; only the leader's own disk has not got it.
            try await cluster.propose("during", at: follower)
            let successor = try await cluster.leader(except: leader)
            #expect(successor != leader)
            let after = try await cluster.propose("after", at: follower)
            disks[leader]?.goOn()
            try await cluster.expectAgreement(
                on: ["before": .init(place: 0), "during": .init(place: 1), "after": after])
        }
    }
}
