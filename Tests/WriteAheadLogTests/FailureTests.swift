import Glibc
import Testing
import WriteAheadLog

@Suite("A disk that refuses")
struct FailureTests {
    @Test("a failed write or sync is the log's last word, and the next run has all that was acknowledged")
    func everyCallFails() throws {
        for call in 0..<400 {
            let disk = VirtualDisk()
            let log = try TestLog.open(disk).log
            try log.write([.vote(term: 1, votedFor: 0)])
            disk.failure = { [start = disk.operations] number, operation, _ in number == start + call ? EIO : nil }
            var acknowledged: UInt64 = 0
            do {
                for index in 1...30 as ClosedRange<UInt64> {
                    try log.write([TestLog.entry(index, bytes: 300)])
                    acknowledged = index
                }
                try log.write([.snapshot(index: 20, term: 1)])
                _ = try log.compact(through: .init(index: 20, term: 1))
                #expect(call > 80)
                return
            } catch {
                guard error.isFatal else {
                    Issue.record("call \(call): \(error)")
                    continue
                }
                disk.failure = { _, _, _ in nil }
                expectLastWord(error, of: log)
            }
            disk.losePower(keeping: .none)
            let recovered = try TestLog.open(disk).recovered
            #expect(recovered.last.index >= acknowledged, "call \(call)")
        }
    }

    private func expectLastWord(_ error: WriteAheadLogError, of log: DurableLog) {
        #expect(throws: error) { try log.sync() }
        #expect(throws: error) { try log.append([.vote(term: 9, votedFor: 0)]) }
        #expect(throws: error) { try log.compact(through: .origin) }
    }

    @Test("no space for a segment is not fatal: the records wait, and the sync may be repeated")
    func noSpace() throws {
        for code in [ENOSPC, EDQUOT] {
            let disk = VirtualDisk()
            let log = try TestLog.open(disk).log
            try log.write([.vote(term: 1, votedFor: 0)])
            disk.failure = { _, operation, _ in operation == .reserve ? code : nil }
            var index: UInt64 = 0
            var refusal: WriteAheadLogError?
            while refusal == nil {
                index += 1
                #expect(try log.append([TestLog.entry(index, bytes: 300)]) == 1)
                do { try log.sync() } catch { refusal = error }
            }
            let cause = StorageError(operation: .reserve, file: "inline.spare", code: code)
            #expect(refusal == .noSpace(cause))
            #expect(refusal?.isFatal == false)
            #expect(throws: WriteAheadLogError.noSpace(cause)) { try log.sync() }
            #expect(!disk.fileNames.contains("inline.spare"), "nothing half-made is left to fill the disk")
            disk.failure = { _, _, _ in nil }
            try log.sync()
            #expect(try TestLog.open(disk).recovered.last.index == index)
        }
    }

    @Test("no space shows early, where a spare is prepared, and does not stop the log")
    func noSpaceForSpare() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        disk.failure = { _, operation, _ in operation == .reserve ? ENOSPC : nil }
        let result = try #require(log.sparePreparation()).run()
        guard case .failure(.noSpace) = result else {
            Issue.record("\(result)")
            return
        }
        log.finishSparePreparation(result)
        try log.write([.vote(term: 1, votedFor: 0)])
        #expect(log.sparePreparation() != nil, "the work is offered again")
    }

    @Test("data that was read but never synced is written again before it is reported")
    func unsyncedButSeen() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 1, votedFor: 0)])
        #expect(try log.append([TestLog.entry(1)]) == 1)
        disk.failure = { _, operation, _ in operation == .sync ? EIO : nil }
        #expect(throws: WriteAheadLogError.self) { try log.sync() }
        disk.revive()
        // As Linux does after a failed sync: the pages count as clean although they never reached the disk.
        disk.forgetDirtySectors()
        #expect(try TestLog.open(disk).recovered.entries.count == 1)
        disk.losePower(keeping: .none)
        #expect(try TestLog.open(disk).recovered.entries.count == 1)
    }
}
