import Testing
import WriteAheadLog

@Suite("Inspection")
struct InspectionTests {
    private func inspect(_ disk: VirtualDisk) throws -> (items: [InspectedItem], verdict: InspectionVerdict) {
        var items: [InspectedItem] = []
        let verdict = try DurableLog.inspect(in: disk) { items.append($0) }
        return (items, verdict)
    }

    @Test("lists segments, frames and records with where they begin, and changes nothing")
    func lists() throws {
        let disk = VirtualDisk()
        #expect(try inspect(disk).verdict == .empty)
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 2, votedFor: 7), TestLog.entry(1, bytes: 600)])
        try log.write([.truncate(from: 1), .snapshot(index: 3, term: 2)])
        let (before, boots) = (disk[TestLog.segmentName(1)], try NodeIdentity.read(from: disk)?.boot)
        let (items, verdict) = try inspect(disk)
        // A record's header follows the sector's prefix (8 bytes) and, for the first, the frame's header (32).
        let expected: [InspectedItem] = [
            .segment(
                file: TestLog.segmentName(1), byteCount: 4096, owner: TestLog.owner, incarnation: TestLog.incarnation,
                firstIndex: 1),
            .frame(sequence: 1, offset: 512, byteCount: 1024, recordCount: 2),
            .record(.vote(term: 2, votedFor: 7), offset: 552),
            .record(.entry(index: 1, term: 1, payloadBytes: 600), offset: 576),
            .frame(sequence: 2, offset: 1536, byteCount: 512, recordCount: 2),
            .record(.truncate(from: 1), offset: 1576),
            .record(.snapshot(index: 3, term: 2), offset: 1600),
        ]
        #expect(items == expected)
        #expect(verdict == .sound(file: TestLog.segmentName(1), offset: 2048))
        #expect(disk[TestLog.segmentName(1)] == before)
        #expect(try NodeIdentity.read(from: disk)?.boot == boots)
    }

    @Test("tells torn from damaged, and shows what is intact before it")
    func verdicts() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 1, votedFor: 7)])
        try log.write([TestLog.entry(1, bytes: 600)])
        let file = TestLog.segmentName(1)
        disk.blank(3, of: file)
        let torn = try inspect(disk)
        #expect(torn.verdict == .torn(file: file, offset: 1024, byteCount: 512))
        #expect(torn.items.count == 3)
        disk[file][1025] ^= 1
        let damaged = try inspect(disk)
        #expect(damaged.verdict == .damaged(.init(file: file, offset: 1024, reason: .badChecksum)))
        #expect(damaged.items == torn.items)
    }

    @Test("shows compactions")
    func compaction() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 1, votedFor: 7)] + (1...30).map { TestLog.entry($0, bytes: 300) })
        try log.write([.snapshot(index: 30, term: 1)])
        let deleted = try log.compact(through: .init(index: 20, term: 1))
        let records = try inspect(disk).items.compactMap { item in
            if case .record(let record, _) = item { record } else { nil }
        }
        #expect(records.last == .compaction(through: .init(index: 20, term: 1), firstSegment: UInt64(deleted + 1)))
    }
}
