import CPlatform
import Glibc

/// The frame that is being filled: one buffer for the life of the log, in the form in which it goes to the disk.
/// Adding a record copies its bytes once, around the sector prefixes, and allocates nothing.
final class FrameBuffer {
    private let buffer: UnsafeMutableRawBufferPointer
    private let capacity: Int
    /// Bytes of content so far, the header included.
    private var filled = Frame.headerBytes
    private(set) var recordCount = 0

    init(maximumFrameBytes: Int) {
        precondition(maximumFrameBytes >= Sector.byteCount, "a frame has at least one sector")
        let sectors = maximumFrameBytes / Sector.byteCount
        capacity = sectors * Sector.contentBytes
        // Pages that are never filled are never touched, so a large limit costs address space only.
        buffer = .allocate(byteCount: sectors * Sector.byteCount, alignment: 4096)
    }

    deinit {
        buffer.deallocate()
    }

    var isEmpty: Bool { recordCount == 0 }
    var contentBytes: Int { filled - Frame.headerBytes }
    /// What the frame takes on disk.
    var byteCount: Int { Frame.byteCount(ofContent: contentBytes) }

    func hasRoom(for recordBytes: Int) -> Bool {
        recordBytes <= capacity - filled
    }

    func add(_ record: LogRecord) {
        switch record {
        case .entry(let index, let term, let payload):
            payload.withUnsafeBytes { add(.entry, index, term, payload: $0) }
        case .vote(let term, let votedFor):
            add(.vote, term, votedFor)
        case .truncate(let from):
            add(.truncate, from, 0)
        case .snapshot(let index, let term):
            add(.snapshot, index, term)
        }
    }

    func addCompaction(through: LogRecord.Position, firstSegment: UInt64) {
        withUnsafeBytes(of: firstSegment.littleEndian) { add(.compaction, through.index, through.term, payload: $0) }
    }

    private func add(
        _ kind: Record.Kind, _ first: UInt64, _ second: UInt64,
        payload: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        precondition(hasRoom(for: Record.headerBytes + payload.count), "the caller asks for room first")
        withUnsafeBytes(of: Record.header(kind, payloadBytes: payload.count, first, second)) { copy($0) }
        copy(payload)
        recordCount += 1
    }

    private func copy(_ bytes: UnsafeRawBufferPointer) {
        guard var source = bytes.baseAddress else { return }
        var remaining = bytes.count
        while remaining > 0 {
            let (sector, place) = filled.quotientAndRemainder(dividingBy: Sector.contentBytes)
            let part = min(Sector.contentBytes - place, remaining)
            memcpy(buffer.baseAddress! + sector * Sector.byteCount + Sector.prefixBytes + place, source, part)
            source += part
            remaining -= part
            filled += part
        }
    }

    /// Completes the frame for its place in the log. Returns what to write and the next link of the chain. May be
    /// called again for another place if nothing was added since.
    func finish(at position: FramePosition, group: UInt32) -> (bytes: UnsafeRawBufferPointer, chain: UInt32) {
        precondition(!isEmpty, "an empty frame is never written")
        let base = buffer.baseAddress!
        let sectors = Frame.sectorCount(ofContent: contentBytes)
        let padding = sectors * Sector.contentBytes - filled
        precondition(padding >= 0 && padding < Sector.contentBytes, "the frame ends in its last sector")
        memset(base + sectors * Sector.byteCount - padding, 0, padding)
        var bodyChecksum: UInt32 = 0
        for place in 1..<max(1, sectors) {
            let sector = base + place * Sector.byteCount
            _ = Sector.finish(sector, place: place, frame: position.sequence, chain: position.chain)
            bodyChecksum = amas_crc32c(bodyChecksum, sector, 4)
        }
        let header = Frame.Header(
            sequence: position.sequence, previousOffset: position.previousOffset, group: group,
            contentBytes: UInt32(contentBytes), recordCount: UInt32(recordCount), bodyChecksum: bodyChecksum)
        header.store(intoFirstSector: base)
        let chain = Sector.finish(base, place: 0, frame: position.sequence, chain: position.chain)
        return (UnsafeRawBufferPointer(start: base, count: sectors * Sector.byteCount), chain)
    }

    func clear() {
        filled = Frame.headerBytes
        recordCount = 0
    }
}
