import Foundation
import Raft
import RaftServer
import Testing

@testable import RaftServer

@Suite("Snapshots in a cluster", .serialized)
struct SnapshotTests {
    /// Snapshots after a few entries, in many chunks.
    private static let small: TestCluster.Configure = {
        $0.limits.snapshotAfterEntries = 50
        $0.limits.retainedEntries = 10
        $0.limits.snapshotChunkBytes = 512
    }

    private static func fill(_ cluster: TestCluster, _ name: String, count: Int, at id: UInt64, load: Load) async throws
    {
        await load.run(5, count: count / 5, at: [try cluster.server(id)], name: name)
        #expect(load.result.failed.isEmpty)
    }

    @Test(
        "taken after so many entries or bytes, it cuts the log but for the tail that is retained",
        arguments: [true, false])
    func compaction(byEntries: Bool) async throws {
        try await TestCluster.run(
            1,
            configure: {
                $0.limits.snapshotAfterEntries = byEntries ? 50 : .max
                $0.limits.snapshotAfterBytes = byEntries ? .max : 5000
                $0.limits.retainedEntries = 10
            }
        ) { cluster in
            let load = Load()
            try await Self.fill(cluster, "a", count: 100, at: 1, load: load)
            let server = try cluster.server(1)
            await condition { (server.status?.snapshotIndex ?? .zero) > LogIndex(10) }
            await condition {
                guard let status = server.status else { return false }
                return status.firstIndex.rawValue == status.snapshotIndex.rawValue - 10 + 1
            }
            let outcome = try await cluster.propose("last", at: 1)
            await cluster.kill(1)
            try await cluster.start(1)
            let restarted = try cluster.server(1)
            var accepted = load.result.accepted
            accepted["last"] = outcome
            accepted["again"] = try await cluster.propose("again", at: 1)
            #expect((restarted.status?.snapshotIndex ?? .zero) > .zero)
            try await cluster.expectAgreement(on: accepted)
        }
    }

    @Test("a member far behind gets it in many chunks, installs it and goes on, also after a restart")
    func farBehind() async throws {
        try await TestCluster.run(3, configure: Self.small) { cluster in
            let leader = try await cluster.leader()
            let late = try #require(cluster.ids.first { $0 != leader })
            let load = Load()
            try await Self.fill(cluster, "before", count: 10, at: leader, load: load)
            await cluster.kill(late)
            try await Self.fill(cluster, "without", count: 200, at: leader, load: load)
            // The log is cut once the snapshot is on the disk, at whoever may come to send it.
            let senders = try cluster.live.map { try cluster.server($0) }
            await condition { senders.allSatisfy { ($0.status?.firstIndex ?? .zero) > LogIndex(100) } }
            try await cluster.start(late)
            try await Self.fill(cluster, "with", count: 10, at: late, load: load)
            try await cluster.expectAgreement(on: load.result.accepted)
            #expect((try cluster.server(late).status?.firstIndex ?? .zero) > LogIndex(100))
            await cluster.kill(late)
            try await cluster.start(late)
            try await Self.fill(cluster, "again", count: 10, at: late, load: load)
            try await cluster.expectAgreement(on: load.result.accepted)
        }
    }

    @Test("a transfer that is broken again and again, at either end, still comes to its end", arguments: [true, false])
    func brokenTransfers(atFollower: Bool) async throws {
        try await TestCluster.run(3, configure: Self.small) { cluster in
            let leader = try await cluster.leader()
            let late = try #require(cluster.ids.first { $0 != leader })
            let load = Load()
            try await Self.fill(cluster, "before", count: 10, at: leader, load: load)
            await cluster.kill(late)
            try await Self.fill(cluster, "without", count: 500, at: leader, load: load)
            for round in 0..<3 {
                try await cluster.start(late)
                let partial = cluster.folder(of: late) + "/snapshot.receiving"
                let server = try cluster.server(late)
                // Until some of it is there, or all of it.
                await condition {
                    FileManager.default.fileExists(atPath: partial)
                        || (server.status?.firstIndex ?? .zero) > LogIndex(100)
                }
                if atFollower {
                    await cluster.kill(late)
                } else if round < 2 {
                    let sender = try await cluster.leader()
                    await cluster.cut(sender, late)
                    cluster.mend(sender, late)
                    await cluster.kill(late)
                } else {
                    let sender = try await cluster.leader()
                    await cluster.kill(sender)
                    try await cluster.start(sender)
                }
            }
            if atFollower { try await cluster.start(late) }
            try await Self.fill(cluster, "with", count: 10, at: late, load: load)
            try await cluster.expectAgreement(on: load.result.accepted)
        }
    }

    @Test("it voids what a former leader appended alone, however far that reaches")
    func divergentTail() async throws {
        let leader: UInt64 = 1
        try await TestCluster.run(
            3,
            configure: {
                Self.small(&$0)
                // Cut off it goes on to believe that it leads, and appends more than the others will ever have.
                if $0.node == NodeID(leader) { $0.raft.electionMilliseconds = 10_000_000 }
            }
        ) { cluster in
            try await cluster.makeLeader(leader)
            let server = try cluster.server(leader)
            let load = Load()
            try await Self.fill(cluster, "before", count: 10, at: leader, load: load)
            await cluster.isolate(leader)
            let alone = (0..<400).map { "alone-\($0)" }
            for value in alone {
                server.proposeWithoutSession(Ledger.envelope(value, session: nil, sequence: 0, floor: 0))
            }
            await condition { (server.status?.lastIndex ?? .zero) > LogIndex(400) }
            let other = try await cluster.leader(except: leader)
            try await Self.fill(cluster, "others", count: 200, at: other, load: load)
            let senders = try cluster.ids.filter { $0 != leader }.map { try cluster.server($0) }
            await condition { senders.allSatisfy { ($0.status?.firstIndex ?? .zero) > LogIndex(100) } }
            cluster.join(leader)
            try await Self.fill(cluster, "together", count: 10, at: leader, load: load)
            try await cluster.expectAgreement(on: load.result.accepted)
            await cluster.kill(leader)
            try await cluster.start(leader)
            try await Self.fill(cluster, "restarted", count: 10, at: leader, load: load)
            try await cluster.expectAgreement(on: load.result.accepted)
        }
    }

    @Test("who leads after a snapshot stamps no earlier time than the entries in it have")
    func clusterTime() async throws {
        try await TestCluster.run(3, configure: Self.small) { cluster in
            let leader = try await cluster.leader()
            let late = try #require(cluster.ids.first { $0 != leader })
            let load = Load()
            await cluster.kill(late)
            // A log far ahead of wall time, as one whose first leader had a wrong clock.
            try await Self.fill(cluster, "without", count: 200, at: leader, load: load)
            try await cluster.start(late)
            let (server, ledger) = (try cluster.server(late), try cluster.ledger(late))
            await condition { ledger.count == 200 }
            let sender = try await cluster.leader()
            _ = await (try cluster.server(sender)).transferLeadership(to: NodeID(late))
            _ = try await cluster.leader(except: sender)
            try await Self.fill(cluster, "after", count: 10, at: late, load: load)
            #expect(server.status != nil)
            try await cluster.expectAgreement(on: load.result.accepted)
        }
    }

    @Test("one that was damaged on disk is found at the start: a sentence says what to do")
    func damagedFile() async throws {
        try await TestCluster.run(1, configure: Self.small) { cluster in
            // Enough for several segments of the log: only whole ones go.
            for _ in 0..<150 { try await cluster.propose(String(repeating: "x", count: 20_000), at: 1) }
            let server = try cluster.server(1)
            await condition { (server.status?.firstIndex ?? .zero) > LogIndex(60) }
            await cluster.kill(1)
            let folder = cluster.folder(of: 1)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("snapshot-") }
            let name = try #require(names.max())
            try flipByte(in: "\(folder)/\(name)")
            let error = await #expect(throws: ServerStartError.self) { try await cluster.start(1) }
            #expect(error?.description.contains("replaced, not wiped") == true)
            #expect(error?.description.contains(name) == true)
        }
    }

    @Test("one that was damaged on disk is not needed while the whole log is there")
    func damagedButLogIsWhole() async throws {
        try await TestCluster.run(
            1,
            configure: {
                // The log names each snapshot and keeps its only segment; on the way through it older ones are taken.
                $0.limits.snapshotAfterEntries = 50
                $0.limits.retainedEntries = 10
                $0.raft.maximumApplyEntries = 5
            }
        ) { cluster in
            let load = Load()
            try await Self.fill(cluster, "a", count: 200, at: 1, load: load)
            let server = try cluster.server(1)
            await condition { (server.status?.snapshotIndex ?? .zero) > LogIndex(150) }
            await cluster.kill(1)
            let folder = cluster.folder(of: 1)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("snapshot-") }
            let name = try #require(names.max())
            try flipByte(in: "\(folder)/\(name)")
            try await cluster.start(1)
            try await Self.fill(cluster, "b", count: 10, at: 1, load: load)
            try await cluster.expectAgreement(on: load.result.accepted)
            #expect(FileManager.default.fileExists(atPath: "\(folder)/damaged-\(name)"))
        }
    }

    @Test("one of a newer version is refused at the start, and the folder is left as it is")
    func newerVersion() async throws {
        try await TestCluster.run(1, starting: false, configure: Self.small) { cluster in
            try await cluster.start(1, ledger: Ledger(understands: 2))
            let load = Load()
            try await Self.fill(cluster, "a", count: 100, at: 1, load: load)
            let server = try cluster.server(1)
            await condition { (server.status?.snapshotIndex ?? .zero) > .zero }
            await cluster.kill(1)
            let error = await #expect(throws: ServerStartError.self) {
                try await cluster.start(1, ledger: Ledger(understands: 0))
            }
            #expect(error?.description.contains("upgrade me") == true)
            try await cluster.start(1)
            try await Self.fill(cluster, "b", count: 10, at: 1, load: load)
            try await cluster.expectAgreement(on: load.result.accepted)
        }
    }

    @Test("a member that does not understand the leader's snapshot stops taking part; the others go on")
    func newerVersionFromLeader() async throws {
        try await TestCluster.run(3, configure: Self.small) { cluster in
            let leader = try await cluster.leader()
            let late = try #require(cluster.ids.first { $0 != leader })
            let load = Load()
            try await Self.fill(cluster, "a", count: 10, at: leader, load: load)
            await cluster.kill(late)
            try await Self.fill(cluster, "b", count: 200, at: leader, load: load)
            let server = try await cluster.start(late, ledger: OldLedger.make())
            await condition { server.status?.halted != nil }
            #expect(server.status?.halted?.reason.contains("upgrade me") == true)
            try await Self.fill(cluster, "c", count: 10, at: leader, load: load)
        }
    }

    private enum OldLedger {
        /// Understands the commands of this version and not its snapshots.
        static func make() -> Ledger { Ledger(understands: 1, understandsSnapshots: 0) }
    }
}

/// Changes one bit in the middle of a file.
func flipByte(in path: String) throws {
    var bytes = try #require(FileManager.default.contents(atPath: path))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
}
