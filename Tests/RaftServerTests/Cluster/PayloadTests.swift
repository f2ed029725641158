import Foundation
import Raft
import RaftServer
import Testing
import WriteAheadLog

@testable import RaftServer

@Suite("Payloads in a cluster", .serialized)
struct PayloadTests {
    /// Snapshots after a few entries, payloads in many chunks and several segments.
    private static let small: TestCluster.Configure = {
        $0.limits.snapshotAfterEntries = 50
        $0.limits.retainedEntries = 10
        $0.limits.snapshotChunkBytes = 700
        $0.payloads.segmentBytes = 20_000
    }

    private static func ledger() -> Ledger { Ledger(longestValue: 100) }

    private static func start(_ cluster: TestCluster) async throws {
        for id in cluster.ids { try await cluster.start(id, ledger: ledger()) }
    }

    /// Every tenth is long; no two are alike.
    @discardableResult
    private static func fill(
        _ cluster: TestCluster, _ name: String, count: Int, at id: UInt64
    ) async throws -> [String: Ledger.Outcome] {
        var accepted: [String: Ledger.Outcome] = [:]
        for number in 0..<count {
            let isLong = number % 10 == 0
            let value = "\(name)-\(number)" + (isLong ? String(repeating: "-\(number)", count: 900) : "")
            accepted[value] = try await cluster.propose(value, at: id)
        }
        return accepted
    }

    private static func merge(_ told: [[String: Ledger.Outcome]]) -> [String: Ledger.Outcome] {
        told.reduce(into: [:]) { $0.merge($1) { $1 } }
    }

    private func segments(_ cluster: TestCluster, _ id: UInt64) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: cluster.folder(of: id)).filter {
            $0.hasPrefix("payload-")
        }.sorted()
    }

    @Test("a node that starts anew has what its snapshot names, and what the log brought after it")
    func restart() async throws {
        try await TestCluster.run(1, starting: false, configure: Self.small) { cluster in
            try await Self.start(cluster)
            var told = [try await Self.fill(cluster, "a", count: 100, at: 1)]
            let server = try cluster.server(1)
            await condition { (server.status?.firstIndex ?? .zero) > LogIndex(10) }
            told.append(try await Self.fill(cluster, "b", count: 20, at: 1))
            #expect(try !self.segments(cluster, 1).isEmpty)
            await cluster.kill(1)
            try await cluster.start(1, ledger: Self.ledger())
            told.append(try await Self.fill(cluster, "c", count: 10, at: 1))
            try await cluster.expectAgreement(on: Self.merge(told))
        }
    }

    @Test("a member far behind gets snapshot and payloads, installs them and goes on, also after a restart")
    func farBehind() async throws {
        try await TestCluster.run(3, starting: false, configure: Self.small) { cluster in
            try await Self.start(cluster)
            let leader = try await cluster.leader()
            let late = try #require(cluster.ids.first { $0 != leader })
            var told = [try await Self.fill(cluster, "before", count: 60, at: leader)]
            await cluster.kill(late)
            told.append(try await Self.fill(cluster, "without", count: 200, at: leader))
            let senders = try cluster.live.map { try cluster.server($0) }
            await condition { senders.allSatisfy { ($0.status?.firstIndex ?? .zero) > LogIndex(150) } }
            try await cluster.start(late, ledger: Self.ledger())
            told.append(try await Self.fill(cluster, "with", count: 10, at: late))
            try await cluster.expectAgreement(on: Self.merge(told))
            #expect((try cluster.server(late).status?.firstIndex ?? .zero) > LogIndex(150))
            await cluster.kill(late)
            try await cluster.start(late, ledger: Self.ledger())
            told.append(try await Self.fill(cluster, "again", count: 10, at: late))
            try await cluster.expectAgreement(on: Self.merge(told))
        }
    }

    @Test("a transfer that is broken again and again goes on with the payloads that have come")
    func brokenTransfers() async throws {
        try await TestCluster.run(
            3, starting: false,
            configure: {
                Self.small(&$0)
                $0.payloads.segmentBytes = 4_000
            }
        ) { cluster in
            try await Self.start(cluster)
            let leader = try await cluster.leader()
            let late = try #require(cluster.ids.first { $0 != leader })
            var told = [try await Self.fill(cluster, "before", count: 10, at: leader)]
            await cluster.kill(late)
            told.append(try await Self.fill(cluster, "without", count: 400, at: leader))
            let senders = try cluster.live.map { try cluster.server($0) }
            await condition { senders.allSatisfy { ($0.status?.firstIndex ?? .zero) > LogIndex(150) } }
            var had = 0
            for _ in 0..<3 {
                let server = try await cluster.start(late, ledger: Self.ledger())
                let before = had
                await condition {
                    server.payloads.statistics.segments > before || (server.status?.firstIndex ?? .zero) > LogIndex(150)
                }
                await cluster.kill(late)
                let kept = try self.segments(cluster, late).count
                #expect(kept >= had, "what had come is gone")
                had = kept
            }
            try await cluster.start(late, ledger: Self.ledger())
            told.append(try await Self.fill(cluster, "with", count: 10, at: late))
            try await cluster.expectAgreement(on: Self.merge(told))
        }
    }

    @Test("a damaged or missing segment is found at the start: a sentence says what to do", arguments: [true, false])
    func damagedSegment(isMissing: Bool) async throws {
        try await TestCluster.run(1, starting: false, configure: Self.small) { cluster in
            try await Self.start(cluster)
            // Enough for several segments of the log: only whole ones go.
            for number in 0..<120 {
                try await cluster.propose("\(number)" + String(repeating: "x", count: 30_000), at: 1)
            }
            let server = try cluster.server(1)
            await condition { (server.status?.firstIndex ?? .zero) > LogIndex(60) }
            await cluster.kill(1)
            let name = try #require(try self.segments(cluster, 1).first)
            let path = "\(cluster.folder(of: 1))/\(name)"
            if isMissing {
                try FileManager.default.removeItem(atPath: path)
            } else {
                let bytes = try #require(FileManager.default.contents(atPath: path))
                try bytes.dropLast(1).write(to: URL(fileURLWithPath: path))
            }
            let error = await #expect(throws: ServerStartError.self) {
                try await cluster.start(1, ledger: Self.ledger())
            }
            #expect(error?.description.contains("replaced, not wiped") == true)
        }
    }

    @Test("a leader whose payloads are found damaged steps aside, and another serves and brings up who is behind")
    func damagedOnRunningLeader() async throws {
        try await TestCluster.run(3, starting: false, configure: Self.small) { cluster in
            try await Self.start(cluster)
            let leader = try await cluster.leader()
            let late = try #require(cluster.ids.first { $0 != leader })
            let other = try #require(cluster.ids.first { $0 != leader && $0 != late })
            var told = [try await Self.fill(cluster, "before", count: 60, at: leader)]
            await cluster.kill(late)
            told.append(try await Self.fill(cluster, "without", count: 200, at: leader))
            let servers = try cluster.live.map { try cluster.server($0) }
            await condition { servers.allSatisfy { ($0.status?.firstIndex ?? .zero) > LogIndex(150) } }
            for name in try self.segments(cluster, leader) {
                let file = try #require(FileHandle(forUpdatingAtPath: "\(cluster.folder(of: leader))/\(name)"))
                try file.write(contentsOf: [0, 0, 0])
                try file.close()
            }
            try await cluster.start(late, ledger: Self.ledger())
            let damaged = try cluster.server(leader)
            await condition { damaged.status?.halted?.reason.contains("must be replaced, not wiped") == true }
            await cluster.kill(leader)
            told.append(try await Self.fill(cluster, "with", count: 10, at: other))
            try await cluster.expectAgreement(on: Self.merge(told))
        }
    }
}
