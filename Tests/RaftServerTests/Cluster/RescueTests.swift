import Foundation
import Glibc
import Raft
import Testing

@testable import RaftServer

/// Real crashes of real processes, at an entry that the state machine cannot apply.
@Suite("Rescue mode", .serialized)
struct RescueTests {
    /// Of one node, in a folder that outlives the process.
    private static func inFolder(_ body: (String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "amas-rescue-" + UUID().uuidString
        let result: Result<Void, any Error>
        do { result = .success(try await body(folder)) } catch { result = .failure(error) }
        try? FileManager.default.removeItem(atPath: folder)
        try result.get()
    }

    private static func run(
        _ folder: String, snapshotAfter entries: UInt64 = 20_000, poison: String? = "poison",
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        try await TestCluster.run(
            1, starting: false,
            configure: {
                $0.folder = folder
                $0.limits.snapshotAfterEntries = entries
            }
        ) { cluster in
            // Not used, and a crash would leave it behind.
            try FileManager.default.removeItem(atPath: cluster.folder)
            try await cluster.start(1, ledger: Ledger(poison: poison))
            try await body(cluster)
        }
    }

    /// Starts the node and has it apply what crashes it.
    private static func crash(_ folder: String, isFirst: Bool) async throws {
        try await run(folder) { cluster in
            if isFirst { for value in ["a", "b"] { try await cluster.propose(value, at: 1) } }
            if isFirst { _ = try? await cluster.propose("poison", at: 1) }
            let server = try cluster.server(1)
            await condition { server.status?.halted != nil }
        }
    }

    @Test("three crashes at one entry start the node in rescue mode; once an operator has it skipped the node goes on")
    func threeCrashes() async throws {
        try await Self.inFolder { folder in
            for number in 1...3 {
                #expect(try number == 1 || CrashFile.read(folder).obstacle == nil)
                await #expect(processExitsWith: .failure) {
                    [folder = folder as String, isFirst = (number == 1) as Bool] in
                    try await Self.crash(folder, isFirst: isFirst)
                }
            }
            let obstacle = try #require(try CrashFile.read(folder).obstacle)
            try await Self.run(folder) { cluster in
                let server = try cluster.server(1)
                await condition { server.status != nil }
                let halted = try #require(server.status?.halted)
                #expect(halted.reason.contains("entry \(obstacle) ") && halted.reason.contains("skip \(obstacle)"))
                #expect(server.status?.standing.leader == nil)
                await #expect(throws: RequestError.stopped(reason: halted.reason)) {
                    try await cluster.propose("c", at: 1)
                }
                #expect(try cluster.ledger(1).count == 0, "nothing is applied")
            }
            try Rescue.skip(obstacle, folder: folder)
            // Also a start after that, which applies the log once more.
            for values in [["a", "b", "c"], ["a", "b", "c", "d"]] {
                try await Self.run(folder, poison: "poison") { cluster in
                    let place = try await cluster.propose(try #require(values.last), at: 1).place
                    #expect(place == values.count - 1)
                    #expect(try cluster.ledger(1).values == values)
                    #expect(try CrashFile.read(folder).suspects == nil, "the crash is overcome")
                }
            }
            try await Self.run(folder, snapshotAfter: 5, poison: "poison") { cluster in
                let server = try cluster.server(1)
                await condition { (server.status?.snapshotIndex ?? .zero) > obstacle }
            }
            try await Self.run(folder) { cluster in
                #expect(try CrashFile.read(folder) == CrashRecord(""), "the snapshot has gone past it")
                try await cluster.propose("e", at: 1)
                #expect(try cluster.ledger(1).values == ["a", "b", "c", "d", "e"])
            }
        }
    }

    @Test("a crash that does not come again is forgotten, as is one that an upgrade has mended")
    func overcome() async throws {
        try await Self.inFolder { folder in
            for number in 1...2 {
                await #expect(processExitsWith: .failure) {
                    [folder = folder as String, isFirst = (number == 1) as Bool] in
                    try await Self.crash(folder, isFirst: isFirst)
                }
            }
            #expect(try CrashFile.read(folder).suspects != nil)
            try await Self.run(folder, poison: nil) { cluster in
                try await cluster.propose("c", at: 1)
                #expect(try cluster.ledger(1).values == ["a", "b", "poison", "c"])
            }
            #expect(try CrashFile.read(folder).suspects == nil)
        }
    }

    @Test("a process that is killed, or crashes elsewhere, leaves no trace: it does not drift into rescue mode")
    func otherEnds() async throws {
        try await Self.inFolder { folder in
            for _ in 1...3 {
                await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
                    try await Self.run(folder, poison: nil) { cluster in
                        try await cluster.propose("\(UUID())", at: 1)
                        try cluster.ledger(1).gate.shut()
                        Task { try? await cluster.propose("held while it is applied", at: 1) }
                        let ledger = try cluster.ledger(1)
                        await condition { ledger.gate.queue == 1 }
                        kill(getpid(), SIGKILL)
                    }
                }
            }
            await #expect(processExitsWith: .failure) { [folder = folder as String] in
                try await Self.run(folder, poison: nil) { cluster in
                    try cluster.ledger(1).gate.shut()
                    Task { try? await cluster.propose("held while it is applied", at: 1) }
                    let ledger = try cluster.ledger(1)
                    await condition { ledger.gate.queue == 1 }
                    preconditionFailure("on a thread of others")
                }
            }
            let record = try CrashFile.read(folder)
            #expect(record == CrashRecord(""))
        }
    }

    @Test("nodes that skip the entry agree, and nothing moves before they are a majority")
    func majority() async throws {
        try await TestCluster.run(3) { cluster in
            var accepted: [String: Ledger.Outcome] = [:]
            for value in ["a", "b", "poison"] { accepted[value] = try await cluster.propose(value, at: 1) }
            try await cluster.expectAgreement(on: accepted)
            let poisoned = try #require(try cluster.ledger(1).lines.last)
            for id in cluster.ids {
                await cluster.kill(id)
                let line = "crashed \(poisoned.index) \(poisoned.index)\n"
                try CrashFile.write(CrashRecord(line + line + line), cluster.folder(of: id))
            }
            func start(_ id: UInt64) async throws {
                try await cluster.start(id, ledger: Ledger(poison: "poison"))
            }
            for id in cluster.ids { try await start(id) }
            for id in cluster.ids {
                let server = try cluster.server(id)
                await condition { server.status?.halted != nil }
            }
            let index = LogIndex(poisoned.index)
            for id in cluster.ids.dropLast() {
                await cluster.kill(id)
                try Rescue.skip(index, folder: cluster.folder(of: id))
                try await start(id)
            }
            #expect(try await cluster.propose("c", at: 1).place == 2)
            let third = try cluster.server(3)
            #expect(third.status?.halted != nil)
            #expect(try cluster.ledger(3).count == 0)
            await cluster.kill(3)
            try Rescue.skip(index, folder: cluster.folder(of: 3))
            try await start(3)
            try await cluster.propose("d", at: 3)
            try await cluster.expectAgreement(on: [
                "a": .init(place: 0), "b": .init(place: 1), "c": .init(place: 2), "d": .init(place: 3),
            ])
        }
    }
}
