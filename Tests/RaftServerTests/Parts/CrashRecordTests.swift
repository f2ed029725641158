import Foundation
import Logging
import Raft
import Testing

@testable import RaftServer

@Suite("The record of crashes")
struct CrashRecordTests {
    @Test(
        "three crashes at one entry, one after the other, are an obstacle; anything else is none",
        arguments: [
            ("", nil),
            ("crashed 7 7\ncrashed 7 7\n", nil),
            ("crashed 7 7\ncrashed 7 7\ncrashed 7 7\n", 7),
            ("crashed 5 9\ncrashed 7 7\ncrashed 7 7\n", 7),
            ("crashed 5 9\ncrashed 5 9\ncrashed 5 9\n", nil),
            ("crashed 5 6\ncrashed 7 7\ncrashed 7 7\n", nil),
            ("crashed 8 8\ncrashed 7 7\ncrashed 7 7\n", nil),
            ("crashed 3 3\ncrashed 7 7\ncrashed 7 7\ncrashed 7 7\n", 7),
            ("crashed 7 7\ncrashed 7 7\npassed 9\ncrashed 7 7\n", nil),
            ("crashed 7 7\ncrashed 7 7\npassed 6\ncrashed 7 7\n", 7),
            ("crashed 7 7\ncrashed 7 7\ncrashed 7 7\nretry\n", nil),
            ("crashed 7 7\ncrashed 7 7\ncrashed 7 7\nskip 7\n", nil),
            ("crashed 7 7\ncrashed 7 7\ncrashed 7 7\nskip 8\n", 7),
            ("crashed 7 7\ncrashed 7 7\ncrashed 7 ", nil),
            ("crashed 7 7\ncrashed 7 7\ncra\ncrashed 7 7\ncrashed 0 0\ncrashed 9 3\npassed\nskip x\n", 7),
        ] as [(String, UInt64?)])
    func obstacles(text: String, index: UInt64?) {
        let record = CrashRecord(text)
        #expect(record.obstacle == index.map { LogIndex($0) })
        #expect(CrashRecord(record.text) == record, "what is kept means the same")
    }

    @Test("what a snapshot covers is forgotten, and nothing else")
    func pruning() {
        let record = CrashRecord("skip 4\nskip 7\ncrashed 7 7\ncrashed 9 9\n")
        #expect(record.pruned(coveredBy: LogIndex(3)) == record)
        #expect(record.pruned(coveredBy: LogIndex(4)).text == "skip 7\ncrashed 7 7\ncrashed 9 9\n")
        #expect(record.pruned(coveredBy: LogIndex(8)).text == "crashed 7 7\ncrashed 9 9\n")
        #expect(record.pruned(coveredBy: LogIndex(9)).text == "")
    }

    private static func inFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "amas-crashes-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test("what crashed is applied alone, and so is what is skipped; all else as it came")
    func parts() throws {
        let entries = (5...12).map { Entry(index: LogIndex($0), term: Term(1), kind: .noop, data: []) }
        func parts(_ text: String) throws -> [[UInt64]] {
            var parts: [[UInt64]] = []
            try Self.inFolder { folder in
                try CrashFile.write(CrashRecord(text), folder)
                let crashes = try CrashGuard(folder: folder, snapshot: .zero)
                parts = crashes.parts(of: entries).map { $0.map(\.index.rawValue) }
            }
            return parts
        }
        #expect(try parts("") == [[5, 6, 7, 8, 9, 10, 11, 12]])
        #expect(try parts("crashed 7 9\n") == [[5, 6], [7], [8], [9], [10, 11, 12]])
        #expect(try parts("crashed 3 5\nskip 8\nskip 12\n") == [[5], [6, 7], [8], [9, 10, 11], [12]])
    }

    @Test("on a node that has not crashed there is nothing to retry, and nothing is noted")
    func nothingToRetry() throws {
        try Self.inFolder { folder in
            #expect(throws: ServerStartError.self) { try Rescue.retry(folder: folder) }
            #expect(try CrashFile.read(folder).text.isEmpty)
            try CrashFile.write(CrashRecord("crashed 7 7\n"), folder)
            try Rescue.retry(folder: folder)
            #expect(throws: ServerStartError.self, "it has been told") { try Rescue.retry(folder: folder) }
        }
    }

    @Test("an operator can skip only what the node names, and retry after any crash")
    func orders() throws {
        try Self.inFolder { folder in
            #expect(throws: ServerStartError.self) { try Rescue.skip(LogIndex(7), folder: folder) }
            let text = "crashed 7 7\ncrashed 7 7\ncrashed 7 7\n"
            try CrashFile.write(CrashRecord(text), folder)
            #expect(throws: ServerStartError.self) { try Rescue.skip(LogIndex(8), folder: folder) }
            #expect(try CrashGuard(folder: folder, snapshot: .zero).halt?.reason.contains("rescue skip 7") == true)
            try Rescue.skip(LogIndex(7), folder: folder)
            #expect(try CrashFile.read(folder).skipped == [LogIndex(7)])
            #expect(try CrashGuard(folder: folder, snapshot: .zero).halt == nil)
            try CrashFile.write(CrashRecord(text), folder)
            try Rescue.retry(folder: folder)
            #expect(try CrashGuard(folder: folder, snapshot: .zero).halt == nil)
            #expect(try CrashFile.read(folder) == CrashRecord(""))
        }
    }
}
