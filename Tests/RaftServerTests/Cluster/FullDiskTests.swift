import DiskFaults
import Raft
import RaftServer
import Testing

@testable import RaftServer
@testable import WriteAheadLog

@Suite("A full disk", .serialized)
struct FullDiskTests {
    /// As large as a segment may be at least: a few dozen of these fill it.
    private static func large(_ number: Int) -> String { "\(number)-" + String(repeating: "x", count: 100_000) }

    private static func run(
        _ nodes: Int, roomMilliseconds: UInt64 = 20,
        _ body: (TestCluster, [UInt64: FullDisk]) async throws -> Void
    ) async throws {
        let disks = Dictionary(uniqueKeysWithValues: (1...UInt64(nodes)).map { ($0, FullDisk()) })
        try await TestCluster.run(
            nodes,
            configure: { configuration in
                guard let disk = disks[configuration.node.rawValue] else { return }
                configuration.openStorage = { (folder: String) throws(WriteAheadLogError) in try disk.open(folder) }
                configuration.limits.roomMilliseconds = roomMilliseconds
            }
        ) { try await body($0, disks) }
    }

    /// Proposes until the disk of that node is noticed to be full.
    private static func use(_ cluster: TestCluster, until id: UInt64, is trouble: LogTrouble) async throws -> Int {
        let server = try cluster.server(id)
        var count = 0
        while server.status?.logTrouble != trouble {
            try await cluster.propose(large(count), at: id)
            count += 1
            try #require(count < 100, "the disk is never noticed to be full")
        }
        return count
    }

    @Test(
        "it is noticed a segment before its end: what is written meanwhile is kept, and when there is room all is well")
    func reserve() async throws {
        try await Self.run(1) { cluster, disks in
            disks[1]?.fill()
            let server = try cluster.server(1)
            let count = try await Self.use(cluster, until: 1, is: .full)
            let ledger = try cluster.ledger(1)
            #expect(ledger.count == count)
            try await cluster.propose("what frees something", at: 1)
            disks[1]?.empty()
            await condition { server.status?.logTrouble == nil }
            for number in 0..<30 { try await cluster.propose(Self.large(number), at: 1) }
            #expect(ledger.count == count + 31)
        }
    }

    @Test("once it is used up nothing is acknowledged; the node hears, answers reads, and goes on when there is room")
    func exhausted() async throws {
        try await Self.run(3) { cluster, disks in
            let leader = try await cluster.leader()
            let victim = try #require(cluster.ids.first { $0 != leader })
            let server = try cluster.server(victim)
            disks[victim]?.fill()
            var sent = 0
            while server.status?.logTrouble != .exhausted {
                try await cluster.propose(Self.large(sent), at: leader)
                sent += 1
                try #require(sent < 100, "the disk is never used up")
            }
            // The others are a quorum, and this one still knows the leader and what it had.
            try await cluster.propose("without it", at: leader)
            try await condition {
                guard let known = server.status?.standing.leader else { return false }
                return try known.rawValue != victim && cluster.server(known.rawValue).status?.standing.role == .leader
            }
            // What a node tells of itself is a moment old.
            try await condition {
                let others = try cluster.server(leader).status?.durableIndex ?? .zero
                return (server.status?.durableIndex ?? .zero) < others
            }
            disks[victim]?.empty()
            await condition { server.status?.logTrouble == nil }
            let ledger = try cluster.ledger(victim)
            await condition { ledger.values.last == "without it" }
            #expect(ledger.count == sent + 1)
        }
    }

    @Test("a node whose disk is used up stops at once: what it acknowledged is kept, what had no room is not")
    func stops() async throws {
        try await Self.run(1, roomMilliseconds: 600_000) { cluster, disks in
            disks[1]?.fill()
            let count = try await Self.use(cluster, until: 1, is: .full)
            let server = try cluster.server(1)
            let tasks = TaskList()
            for number in 0..<20 { tasks.add { _ = try? await TestCluster.propose(Self.large(number), at: server) } }
            // What was synced last may still be on its way to whoever waits for it.
            await condition {
                guard let status = server.status else { return false }
                return status.logTrouble == .exhausted && server.appliedIndex == status.durableIndex
            }
            let acknowledged = try cluster.ledger(1).count
            await cluster.kill(1)
            await tasks.wait()
            disks[1]?.empty()
            try await cluster.start(1)
            let ledger = try cluster.ledger(1)
            // What was synced as it was killed may be there as well, though nobody was told.
            await condition { ledger.count >= acknowledged }
            #expect(acknowledged >= count && ledger.count < count + 20)
        }
    }

    @Test("a full disk is looked at again at its pace, however much is written")
    func pace() async throws {
        try await Self.run(1, roomMilliseconds: 600_000) { cluster, disks in
            disks[1]?.fill()
            _ = try await Self.use(cluster, until: 1, is: .full)
            for number in 0..<50 { try await cluster.propose("\(number)", at: 1) }
            #expect(disks[1]?.refusals == 1)
        }
    }
}
