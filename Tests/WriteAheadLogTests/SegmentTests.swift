import Testing
import WriteAheadLog

@Suite("Segments")
struct SegmentTests {
    private func fill(_ log: DurableLog, _ indices: ClosedRange<UInt64>) throws {
        for index in indices { try log.write([TestLog.entry(index, bytes: 300)]) }
    }

    @Test("follow each other without a trace in what is recovered")
    func rollover() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 1, votedFor: 3)])
        try fill(log, 1...50)
        #expect(log.statistics.segmentCount >= 8)
        let recovered = try TestLog.open(disk).recovered
        #expect(recovered.entries == TestLog.entries(1...50, bytes: 300))
        #expect(recovered.vote == .init(term: 1, votedFor: 3))
        #expect(recovered.last == .init(index: 50, term: 1))
    }

    @Test("come from a spare that was filled ahead, so that no sync fills one")
    func spares() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 1, votedFor: 3)])
        for index in 1...50 as ClosedRange<UInt64> {
            if let preparation = log.sparePreparation() {
                #expect(log.sparePreparation() == nil, "one preparation at a time")
                log.finishSparePreparation(preparation.run())
            }
            #expect(log.sparePreparation() == nil, "one spare at a time")
            try fill(log, index...index)
        }
        #expect(log.statistics.segmentsFilledInline == 0)
        #expect(log.statistics.segmentCount >= 8)
        #expect(try TestLog.open(disk).recovered.entries.count == 50)
    }

    @Test("are filled by the sync that needs one if a spare is late, and the late one serves later")
    func lateSpare() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        let preparation = try #require(log.sparePreparation())
        try log.write([.vote(term: 1, votedFor: 3)])
        try fill(log, 1...8)
        let filled = log.statistics.segmentsFilledInline
        #expect(filled > 0)
        log.finishSparePreparation(preparation.run())
        let count = log.statistics.segmentCount
        try fill(log, 9...14)
        #expect(log.statistics.segmentCount > count)
        #expect(try TestLog.open(disk).recovered.entries.count == 14)
    }

    @Test("a spare that an earlier run left is not trusted but removed")
    func leftoverSpare() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        let result = try #require(log.sparePreparation()).run()
        #expect(throws: Never.self) { try result.get() }
        #expect(disk.fileNames.contains("background.spare"))
        _ = try TestLog.open(disk)
        #expect(!disk.fileNames.contains("background.spare"))
    }

    @Test("keep the size they were made with when the setting changes")
    func changedSize() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 1, votedFor: 3)])
        try fill(log, 1...10)
        var limits = TestLog.limits
        limits.segmentBytes = 16384
        let larger = try TestLog.open(disk, limits: limits).log
        try fill(larger, 11...60)
        let recovered = try TestLog.open(disk).recovered
        #expect(recovered.entries.map(\.index) == Array(1...60))
        #expect(Set(disk.fileNames.filter { $0.hasSuffix(".wal") }.map { disk[$0].count }) == [4096, 16384])
    }

    @Test("one sync writes once and syncs once, whatever the number of records")
    func oneWriteOneSync() throws {
        let disk = VirtualDisk()
        let limits = DurableLog.Limits(segmentBytes: 64 << 20)
        let log = try TestLog.open(disk, limits: limits).log
        let batch = [.vote(term: 1, votedFor: 3)] + (1...256).map { TestLog.entry($0, bytes: 512) }
        let before = disk.operations
        #expect(try log.append(batch[...]) == 257)
        #expect(disk.operations == before, "append does no I/O")
        try log.sync()
        #expect(disk.operations == before + 2)
        try log.sync()
        #expect(disk.operations == before + 2, "nothing pending, nothing done")
        #expect(log.statistics.framesSynced == 1)
    }
}
