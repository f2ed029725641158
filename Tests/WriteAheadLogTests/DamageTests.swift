import Testing
import WriteAheadLog

/// A small log of two segments; the first is sealed, the second is active. All of it is synced.
@Suite("Damage to synced bytes")
struct DamageTests {
    private static let segments = [TestLog.segmentName(1), TestLog.segmentName(2)]

    /// The disk and, for each frame of the active segment, where it begins and what the log says before it.
    private func soundDisk() throws -> (disk: VirtualDisk, frames: [(offset: UInt64, before: RecoveredLog)]) {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 1, votedFor: 2)])
        var frames: [(offset: UInt64, before: RecoveredLog)] = []
        for index in 1...7 as ClosedRange<UInt64> {
            let before = try TestLog.open(disk.copy()).recovered
            try log.write([TestLog.entry(index, bytes: index == 6 ? 900 : 200)])
            if log.statistics.segmentCount == 2 { frames.append((try position(disk).offset, before)) }
        }
        #expect(disk.fileNames == Self.segments + ["identity"])
        #expect(frames.count > 2)
        return (disk, frames)
    }

    /// Where the last frame begins.
    private func position(_ disk: VirtualDisk) throws -> (offset: UInt64, end: UInt64) {
        var last: UInt64 = 0
        let verdict = try DurableLog.inspect(in: disk) { item in
            if case .frame(_, let offset, _, _) = item { last = offset }
        }
        guard case .sound(_, let end) = verdict else { throw WriteAheadLogError.folderInUse(folder: "\(verdict)") }
        return (last, end)
    }

    /// Damage must be told, with the right file and the right sector, and the disk left as it is.
    private func expectReport(of disk: VirtualDisk, file: String, at offset: Int?, _ name: String) {
        let before = disk.copy()
        do {
            _ = try TestLog.open(disk)
            Issue.record("\(name): the log opened")
        } catch .damaged(let report) {
            #expect(report.file == file, "\(name): \(report)")
            if let offset { #expect(Int(report.offset) == offset / 512 * 512, "\(name): \(report)") }
        } catch {
            Issue.record("\(name): \(error)")
        }
        for file in disk.fileNames where disk[file] != before[file] { Issue.record("\(name): \(file) was changed") }
    }

    @Test("any flipped bit of the log or the identity is reported with its file and sector, or changes nothing")
    func everyBit() throws {
        let (disk, _) = try soundDisk()
        let sound = try TestLog.open(disk.copy()).recovered
        let slack = try slackOfFirstSegment(disk)
        for file in disk.fileNames {
            for byte in disk[file].indices {
                for bit in 0..<8 {
                    disk[file][byte] ^= 1 << bit
                    let name = "bit \(bit) of byte \(byte) of \(file)"
                    if file == Self.segments[0], slack.contains(byte) {
                        // Space that a sealed segment never used: no record was or will be there.
                        #expect(try TestLog.open(disk.copy()).recovered == sound, "\(name)")
                    } else {
                        expectReport(of: disk, file: file, at: byte, name)
                    }
                    disk[file][byte] ^= 1 << bit
                }
            }
        }
    }

    /// What lies between the frames of the sealed segment and its seal, but for the sector that is looked at.
    private func slackOfFirstSegment(_ disk: VirtualDisk) throws -> Range<Int> {
        var end = 0
        var segment = ""
        _ = try DurableLog.inspect(in: disk) { item in
            switch item {
            case .segment(let file, _, _, _, _): segment = file
            case .frame(_, let offset, let count, _): if segment == Self.segments[0] { end = Int(offset) + count }
            case .record: break
            }
        }
        return min(end + 512, 4096 - 512)..<(4096 - 512)
    }

    @Test("a file cut short at any byte is reported")
    func everyCut() throws {
        let (disk, _) = try soundDisk()
        for file in disk.fileNames {
            let whole = disk[file]
            for count in whole.indices {
                disk[file] = Array(whole[..<count])
                expectReport(of: disk, file: file, at: nil, "\(file) cut to \(count) bytes")
            }
            disk[file] = whole
        }
    }

    @Test("zeros from any byte on give a report, or the log before the frame in which they begin")
    func everyZeroedTail() throws {
        let (disk, frames) = try soundDisk()
        let sound = try TestLog.open(disk.copy()).recovered
        let whole = disk[Self.segments[1]]
        for start in whole.indices {
            disk[Self.segments[1]] = Array(whole[..<start]) + [UInt8](repeating: 0, count: whole.count - start)
            let name = "zeros from byte \(start)"
            let sector = (start / 512 * 512)..<(start / 512 * 512 + 512)
            let left = disk[Self.segments[1]][sector]
            let isWhole = left == whole[sector] || left.allSatisfy { $0 == 0 }
            if disk[Self.segments[1]] == whole {
                #expect(try TestLog.open(disk.copy()).recovered == sound, "\(name)")
            } else if !isWhole || start < 512 {
                expectReport(of: disk, file: Self.segments[1], at: start, name)
            } else {
                // Whole sectors that read as if they had never been written: what a crash leaves of a frame.
                let lost = start % 512 == 0 ? start : sector.upperBound
                let frame = try #require(frames.last { Int($0.offset) <= lost })
                var found = try TestLog.open(disk.copy()).recovered
                found.cutTail = nil
                #expect(found == frame.before, "\(name)")
            }
        }
    }

    @Test("zeros from any byte on in a segment that has a next one are reported")
    func everyZeroedTailOfSealed() throws {
        let (disk, _) = try soundDisk()
        let file = Self.segments[0]
        let whole = disk[file]
        for start in whole.indices {
            disk[file] = Array(whole[..<start]) + [UInt8](repeating: 0, count: whole.count - start)
            guard disk[file] != whole else { continue }
            expectReport(of: disk, file: file, at: nil, "zeros from byte \(start)")
        }
    }

    @Test("one blank sector among synced ones is reported unless it is all that shows of the last frame")
    func everyBlankSector() throws {
        let (disk, _) = try soundDisk()
        let last = Int(try position(disk).offset)
        for file in Self.segments {
            let whole = disk[file]
            for start in stride(from: 0, to: whole.count, by: 512) {
                disk.blank(start / 512, of: file)
                let isLastFrame = file == Self.segments[1] && start >= last
                if disk[file] != whole, !isLastFrame {
                    expectReport(of: disk, file: file, at: nil, "sector at \(start) of \(file)")
                }
                disk[file] = whole
            }
        }
    }

    @Test("a sector that another sector's bytes have replaced is reported")
    func misdirectedWrites() throws {
        let (disk, _) = try soundDisk()
        let used = Int(try position(disk).end)
        for file in Self.segments {
            let whole = disk[file]
            for (source, target) in pairs(stride(from: 0, to: used, by: 512)) {
                guard whole[source..<(source + 512)] != whole[target..<(target + 512)] else { continue }
                guard whole[source..<(source + 512)].contains(where: { $0 != 0 }) else { continue }
                guard file == Self.segments[1] || whole[target..<(target + 512)].contains(where: { $0 != 0 }) else {
                    continue
                }
                disk[file].replaceSubrange(target..<(target + 512), with: whole[source..<(source + 512)])
                expectReport(of: disk, file: file, at: target, "\(file): \(source) over \(target)")
                disk[file] = whole
            }
        }
    }

    private func pairs(_ offsets: some Sequence<Int>) -> [(Int, Int)] {
        offsets.flatMap { first in offsets.compactMap { first == $0 ? nil : (first, $0) } }
    }

    @Test("a missing segment is reported, whichever it is")
    func missingSegments() throws {
        let disk = VirtualDisk()
        let log = try TestLog.open(disk).log
        try log.write([.vote(term: 1, votedFor: 2)] + (1...40).map { TestLog.entry($0, bytes: 300) })
        let segments = disk.fileNames.filter { $0.hasSuffix(".wal") }
        #expect(segments.count > 4)
        for file in segments {
            let copy = disk.copy()
            copy.delete(file)
            expectReport(of: copy, file: file, at: 0, file)
        }
    }

    @Test("a segment of an earlier life of the same node does not pass")
    func staleSegment() throws {
        func disk(_ bytes: Int) throws -> VirtualDisk {
            let disk = VirtualDisk()
            let log = try TestLog.open(disk).log
            try log.write([.vote(term: 1, votedFor: 2)] + (1...20).map { TestLog.entry($0, bytes: bytes) })
            return disk
        }
        let (one, other) = (try disk(300), try disk(301))
        one[Self.segments[1]] = other[Self.segments[1]]
        expectReport(of: one, file: Self.segments[0], at: nil, "a segment from elsewhere")
    }
}
