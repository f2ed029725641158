import Testing
import WriteAheadLog

@Suite("Compaction")
struct CompactionTests {
    private func log(on disk: VirtualDisk, entries: UInt64, snapshot: UInt64) throws -> DurableLog {
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 4, votedFor: 3)])
        for index in 1...entries { try log.write([TestLog.entry(index, term: 2, bytes: 300)]) }
        try log.write([.snapshot(index: snapshot, term: 2)])
        return log
    }

    @Test("deletes the segments that hold nothing else, and vote and snapshot outlive them")
    func deletes() throws {
        let disk = VirtualDisk()
        let log = try log(on: disk, entries: 40, snapshot: 30)
        let before = log.statistics.segmentCount
        let deleted = try log.compact(through: .init(index: 25, term: 2))
        #expect(deleted > 3)
        #expect(log.statistics.segmentCount == before - deleted)
        disk.losePower(keeping: .none)
        let recovered = try TestLog.open(disk).recovered
        #expect(recovered.vote == .init(term: 4, votedFor: 3))
        #expect(recovered.snapshot == .init(index: 30, term: 2))
        #expect(recovered.base == .init(index: 25, term: 2))
        #expect(recovered.entries.map(\.index) == Array(26...40))
    }

    @Test("writes nothing where no segment can go")
    func nothingToDelete() throws {
        let disk = VirtualDisk()
        let log = try log(on: disk, entries: 40, snapshot: 30)
        let before = disk.operations
        #expect(try log.compact(through: .init(index: 1, term: 2)) == 0)
        #expect(disk.operations == before)
        #expect(try TestLog.open(disk).recovered.entries.count == 40)
    }

    @Test("goes on after the snapshot that the log names was lost and an older one took its place")
    func olderSnapshot() throws {
        let disk = VirtualDisk()
        let log = try log(on: disk, entries: 40, snapshot: 30)
        try log.write([.snapshot(index: 20, term: 2)])
        #expect(try log.compact(through: .init(index: 15, term: 2)) > 0)
        try log.write([TestLog.entry(41, term: 2), .snapshot(index: 35, term: 2)])
        let recovered = try TestLog.open(disk).recovered
        #expect(recovered.snapshot == .init(index: 35, term: 2))
        #expect(recovered.entries.map(\.index) == Array(16...41))
    }

    @Test("after a snapshot that replaced the log leaves only the active segment")
    func afterReset() throws {
        let disk = VirtualDisk()
        let log = try log(on: disk, entries: 40, snapshot: 30)
        try log.write([.snapshot(index: 900, term: 4)])
        _ = try log.compact(through: .init(index: 900, term: 4))
        #expect(log.statistics.segmentCount == 1)
        try log.write([TestLog.entry(901, term: 4)])
        let recovered = try TestLog.open(disk).recovered
        #expect(recovered.base == .init(index: 900, term: 4))
        #expect(recovered.entries.map(\.index) == [901])
    }

    @Test("counts an entry as gone once it is truncated, wherever it was written")
    func truncatedEntries() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 2, votedFor: 0)] + (1...30).map { TestLog.entry($0, bytes: 300) })
        try log.write([.truncate(from: 3)] + (3...12).map { TestLog.entry($0, term: 2, bytes: 300) })
        try log.write([.snapshot(index: 2, term: 1)])
        #expect(try log.compact(through: .init(index: 2, term: 1)) > 5)
        let recovered = try TestLog.open(disk).recovered
        #expect(recovered.base == .init(index: 2, term: 1))
        #expect(recovered.entries.map(\.index) == Array(3...12))
        #expect(recovered.entries.allSatisfy { $0.term == 2 })
    }

    @Test("leaves pending records pending and whole")
    func pendingRecords() throws {
        let disk = VirtualDisk()
        let log = try log(on: disk, entries: 40, snapshot: 30)
        #expect(try log.append([.vote(term: 5, votedFor: 1), .truncate(from: 38), TestLog.entry(38, term: 5)]) == 3)
        #expect(try log.compact(through: .init(index: 25, term: 2)) > 0)
        #expect(try TestLog.open(disk.copy()).recovered.vote.term == 4)
        try log.sync()
        let recovered = try TestLog.open(disk).recovered
        #expect(recovered.vote == .init(term: 5, votedFor: 1))
        #expect(recovered.base.index == 25)
        #expect(recovered.last == .init(index: 38, term: 5))
    }

    @Test("works on a full disk, where it is needed most")
    func fullDisk() throws {
        let disk = VirtualDisk()
        let log = try log(on: disk, entries: 40, snapshot: 30)
        disk.failure = { _, operation, _ in operation == .reserve ? 28 : nil }
        var index: UInt64 = 41
        #expect(throws: WriteAheadLogError.self) {
            while true {
                #expect(try log.append([TestLog.entry(index, term: 2, bytes: 300)]) == 1)
                try log.sync()
                index += 1
            }
        }
        #expect(try log.compact(through: .init(index: 25, term: 2)) > 0)
        disk.failure = { _, _, _ in nil }
        try log.sync()
        #expect(try TestLog.open(disk).recovered.last.index == index)
    }
}
