/// What one sync makes durable: whole sectors that begin with this header, followed by records.
///
/// A frame begins on a sector of its own, so writing it never touches a sector that was synced before. The header lies
/// in the content of the first sector, whose checksum covers it; `bodyChecksum` covers the checksums of the other
/// sectors; so the first sector's checksum covers the frame, and, being begun with the chain, everything before it. It
/// is the next link of the chain.
enum Frame {
    static let headerBytes = 32
    static let formatVersion: UInt32 = 1

    static func sectorCount(ofContent contentBytes: Int) -> Int {
        (headerBytes + contentBytes + Sector.contentBytes - 1) / Sector.contentBytes
    }

    static func byteCount(ofContent contentBytes: Int) -> Int {
        sectorCount(ofContent: contentBytes) * Sector.byteCount
    }

    /// Bytes from the frame's start to the record byte that has `contentOffset` record bytes before it.
    static func offset(ofContent contentOffset: Int) -> UInt64 {
        let (sector, place) = (headerBytes + contentOffset).quotientAndRemainder(dividingBy: Sector.contentBytes)
        return UInt64(sector * Sector.byteCount + Sector.prefixBytes + place)
    }

    /// | offset in the content | bytes | field |
    /// |---|---|---|
    /// | 0 | 8 | sequence: frames are counted from 1 through the whole log |
    /// | 8 | 4 | offset of the last synced frame in this segment; 0 if this is the segment's first |
    /// | 12 | 4 | group |
    /// | 16 | 4 | format version |
    /// | 20 | 4 | bytes of records |
    /// | 24 | 4 | number of records |
    /// | 28 | 4 | CRC-32C of the checksums of the second and further sectors |
    struct Header: Equatable {
        var sequence: UInt64
        var previousOffset: UInt32
        var group: UInt32
        var formatVersion: UInt32
        var contentBytes: UInt32
        var recordCount: UInt32
        var bodyChecksum: UInt32

        var sectorCount: Int { Frame.sectorCount(ofContent: Int(contentBytes)) }
        var byteCount: Int { sectorCount * Sector.byteCount }

        func store(intoFirstSector sector: UnsafeMutableRawPointer) {
            let content = sector + Sector.prefixBytes
            content.storeBytes(of: sequence.littleEndian, as: UInt64.self)
            let words = (previousOffset, group, formatVersion, contentBytes, recordCount, bodyChecksum)
            content.storeBytes(of: words.0.littleEndian, toByteOffset: 8, as: UInt32.self)
            content.storeBytes(of: words.1.littleEndian, toByteOffset: 12, as: UInt32.self)
            content.storeBytes(of: words.2.littleEndian, toByteOffset: 16, as: UInt32.self)
            content.storeBytes(of: words.3.littleEndian, toByteOffset: 20, as: UInt32.self)
            content.storeBytes(of: words.4.littleEndian, toByteOffset: 24, as: UInt32.self)
            content.storeBytes(of: words.5.littleEndian, toByteOffset: 28, as: UInt32.self)
        }

        init(
            sequence: UInt64, previousOffset: UInt32, group: UInt32, contentBytes: UInt32, recordCount: UInt32,
            bodyChecksum: UInt32
        ) {
            precondition(recordCount > 0 && contentBytes > 0, "an empty frame is never written")
            self.sequence = sequence
            self.previousOffset = previousOffset
            self.group = group
            self.formatVersion = Frame.formatVersion
            self.contentBytes = contentBytes
            self.recordCount = recordCount
            self.bodyChecksum = bodyChecksum
        }

        /// Takes the fields as they are; the caller has found the sector intact and judges them.
        init(firstSector sector: UnsafeRawPointer) {
            let content = sector + Sector.prefixBytes
            func word(_ offset: Int) -> UInt32 {
                UInt32(littleEndian: content.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            }
            sequence = UInt64(littleEndian: content.loadUnaligned(as: UInt64.self))
            previousOffset = word(8)
            group = word(12)
            formatVersion = word(16)
            contentBytes = word(20)
            recordCount = word(24)
            bodyChecksum = word(28)
        }
    }
}

/// Where the next frame goes and what it must be linked to.
struct FramePosition: Equatable {
    var offset: UInt64
    var sequence: UInt64
    var chain: UInt32
    /// 0 before the first frame of a segment.
    var previousOffset: UInt32

    /// Before the first frame of a segment. The header's checksum is the chain's link: it covers the chain before it.
    init(startOf header: SegmentHeader) {
        offset = UInt64(Segment.headerBytes)
        sequence = header.firstFrame
        chain = header.label.checksum
        previousOffset = 0
    }

    mutating func advance(byteCount: Int, chain newChain: UInt32) {
        precondition(byteCount > 0 && byteCount % Sector.byteCount == 0, "frames are whole sectors")
        previousOffset = UInt32(offset)
        offset += UInt64(byteCount)
        sequence += 1
        chain = newChain
    }
}
