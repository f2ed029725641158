import Testing
import WriteAheadLog

@Suite("A frame that a crash cut short")
struct TornFrameTests {
    private static let file = TestLog.segmentName(1)
    private static let frameOffset = 1024
    private static let frameSectors = 5
    private static let limits = DurableLog.Limits(
        maximumPayloadBytes: 2500, maximumFrameBytes: 2560 + 512, segmentBytes: 8192, zeroFillBytes: 4096,
        readAheadBytes: 1024)

    private func subsets(of sectors: Range<Int>) -> [Set<Int>] {
        (0..<(1 << sectors.count)).map { mask in
            Set(sectors.enumerated().filter { mask >> $0.offset & 1 == 1 }.map(\.element))
        }
    }

    private var sectors: Range<Int> { (Self.frameOffset / 512)..<(Self.frameOffset / 512 + Self.frameSectors) }

    /// One synced frame, then one of five sectors whose sync did not return; of its sectors these reached the disk.
    private func disk(where survivors: Set<Int>) throws -> VirtualDisk {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk, limits: Self.limits).log
        try log.write([.vote(term: 1, votedFor: 2), TestLog.entry(1)])
        #expect(try log.append([TestLog.entry(2, bytes: 2300)]) == 1)
        // The next call is the write; the one after it, the sync, does not happen.
        disk.dieBefore = disk.operations + 1
        #expect(throws: WriteAheadLogError.self) { try log.sync() }
        disk.losePower(keeping: .sectors(survivors, of: Self.file))
        return disk
    }

    private func isWhole(_ survivors: Set<Int>) -> Bool { survivors.count == Self.frameSectors }

    @Test("is cut, whichever of its sectors arrived; a whole one is kept")
    func everySubset() throws {
        for survivors in subsets(of: sectors) {
            let disk = try disk(where: survivors)
            let opened = try TestLog.open(disk, limits: Self.limits)
            #expect(opened.recovered.entries.map(\.index) == (isWhole(survivors) ? [1, 2] : [1]))
            let remains = isWhole(survivors) ? nil : survivors.max().map { ($0 + 1) * 512 - Self.frameOffset }
            #expect(opened.recovered.cutTail?.byteCount == remains.map(UInt64.init))
            if remains != nil { #expect(opened.recovered.cutTail?.offset == UInt64(Self.frameOffset)) }
        }
    }

    @Test("leaves room for the next one, also where that is torn again in any way")
    func tornAgain() throws {
        var generator = SeededGenerator(seed: 27)
        for first in subsets(of: sectors) where !isWhole(first) {
            for second in subsets(of: sectors).shuffled(using: &generator).prefix(6) {
                let disk = try disk(where: first)
                let log = try TestLog.open(disk, limits: Self.limits).log
                #expect(try log.append([TestLog.entry(2, bytes: 2222)]) == 1)
                disk.dieBefore = disk.operations + 1
                #expect(throws: WriteAheadLogError.self) { try log.sync() }
                disk.losePower(keeping: .sectors(second, of: Self.file))
                let recovered = try TestLog.open(disk, limits: Self.limits).recovered
                let payloads = recovered.entries.map(\.payload.count)
                #expect(payloads == (isWhole(second) ? [40, 2222] : [40]), "\(first) then \(second)")
            }
        }
    }

    @Test("is cut in the end, whatever a crash in the middle of cutting left")
    func crashWhileCutting() throws {
        for survivors in subsets(of: sectors) where !isWhole(survivors) {
            let torn = try disk(where: survivors)
            // Zeroing sectors that are blank already changes nothing, so these are all the ways.
            for zeroed in subsets(of: sectors) where zeroed.isSubset(of: survivors) {
                let disk = torn.copy()
                for sector in zeroed { disk.blank(sector, of: Self.file) }
                let opened = try TestLog.open(disk, limits: Self.limits)
                #expect(opened.recovered.entries.map(\.index) == [1], "\(survivors), zeroed \(zeroed)")
                let blank = disk[Self.file][Self.frameOffset..<(8192 - 512)].allSatisfy { $0 == 0 }
                #expect(blank, "nothing of the frame is left")
            }
        }
    }

    @Test("with a flipped bit in a sector that did arrive is damage, not torn")
    func tornAndDamaged() throws {
        for survivors in subsets(of: sectors) where !survivors.isEmpty && !isWhole(survivors) {
            let disk = try disk(where: survivors)
            for sector in survivors {
                let copy = disk.copy()
                copy[Self.file][sector * 512 + 77] ^= 4
                let report = DamageReport(file: Self.file, offset: UInt64(sector * 512), reason: .badChecksum)
                #expect(throws: WriteAheadLogError.damaged(report)) { try TestLog.open(copy, limits: Self.limits) }
            }
        }
    }

    @Test("is never a mix of two: sectors of another attempt at the same frame are damage")
    func mixOfTwoAttempts() throws {
        func whole(_ bytes: Int) throws -> VirtualDisk {
            let disk = try disk(where: [])
            let log = try TestLog.open(disk, limits: Self.limits).log
            try log.write([TestLog.entry(2, bytes: bytes)])
            return disk
        }
        let (one, other) = (try whole(2300), try whole(2301))
        for sector in sectors {
            let mix = one.copy()
            let bytes = (sector * 512)..<(sector * 512 + 512)
            mix[Self.file].replaceSubrange(bytes, with: other[Self.file][bytes])
            guard mix[Self.file] != one[Self.file] else { continue }
            let report = DamageReport(file: Self.file, offset: UInt64(Self.frameOffset), reason: .badChecksum)
            #expect(throws: WriteAheadLogError.damaged(report), "sector \(sector)") {
                try TestLog.open(mix, limits: Self.limits)
            }
        }
    }
}
