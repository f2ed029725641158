import Testing
import WriteAheadLog

@Suite("Limits")
struct LimitTests {
    @Test("a payload of the largest size is taken, one byte more is not, nor anything beside it")
    func payload() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        let maximum = TestLog.limits.maximumPayloadBytes
        let error = WriteAheadLogError.payloadTooLarge(bytes: maximum + 1, maximum: maximum)
        #expect(throws: error) {
            try log.append([.vote(term: 1, votedFor: 0), TestLog.entry(1, bytes: maximum + 1)])
        }
        #expect(!error.isFatal)
        #expect(log.pendingBytes == 0, "no record of the call was taken")
        try log.write([.vote(term: 1, votedFor: 0), TestLog.entry(1, bytes: maximum), TestLog.entry(2, bytes: 0)])
        #expect(try TestLog.open(disk).recovered.entries.map(\.payload.count) == [maximum, 0])
    }

    @Test("a frame takes records up to its limit and leaves the rest for the next")
    func frame() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        // Three sectors of 504 bytes less the frame's header; 24 bytes for each record's.
        let room = 3 * 504 - 32
        let first = [
            LogRecord.vote(term: 1, votedFor: 0), TestLog.entry(1, bytes: 500), TestLog.entry(2, bytes: room - 572),
        ]
        #expect(try log.append((first + [TestLog.entry(3, bytes: 0)])[...]) == 3)
        #expect(log.pendingBytes == TestLog.limits.maximumFrameBytes)
        #expect(try log.append([TestLog.entry(3, bytes: 0)]) == 0)
        try log.sync()
        #expect(try log.append([TestLog.entry(3, bytes: 0)]) == 1)
        try log.sync()
        #expect(try TestLog.open(disk).recovered.entries.count == 3)
    }

    @Test("the largest frame fits into a segment that has just room for it")
    func segment() throws {
        var limits = TestLog.limits
        limits.maximumPayloadBytes = 4096 - 3 * 512 - 5 * 8 - 56
        limits.maximumFrameBytes = 4096 - 3 * 512
        #expect(limits.problems.isEmpty)
        let disk = VirtualDisk()
        let log = try TestLog.open(disk, limits: limits).log
        try log.write([.vote(term: 1, votedFor: 0)])
        try log.write((1...5).map { TestLog.entry($0, bytes: limits.maximumPayloadBytes) })
        #expect(try TestLog.open(disk, limits: limits).recovered.entries.count == 5)
    }

    @Test("contradictions are all named")
    func problems() {
        #expect(DurableLog.Limits().problems.isEmpty)
        let wrong = DurableLog.Limits(
            maximumPayloadBytes: 5000, maximumFrameBytes: 5000, segmentBytes: 5000, zeroFillBytes: 1, readAheadBytes: 1)
        #expect(wrong.problems.count == 4)
    }
}
