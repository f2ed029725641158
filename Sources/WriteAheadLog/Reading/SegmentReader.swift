/// Reads one segment from front to back through a window, so that a scan costs few calls and bounded memory.
final class SegmentReader {
    let file: any LogFile
    let segment: Segment
    private var window: UnsafeMutableRawBufferPointer
    private var windowStart: UInt64 = 0
    private var windowFilled = 0

    init(file: any LogFile, segment: Segment, readAheadBytes: Int) {
        precondition(readAheadBytes >= Sector.byteCount, "limits are checked")
        self.file = file
        self.segment = segment
        window = .allocate(byteCount: readAheadBytes, alignment: 4096)
    }

    deinit {
        window.deallocate()
    }

    /// `byteCount` bytes at `offset`, valid until the next call. Nil where the file ends before.
    func bytes(at offset: UInt64, byteCount: Int) throws(WriteAheadLogError) -> UnsafeRawPointer? {
        precondition(byteCount > 0, "something is asked for")
        let isInside = offset >= windowStart && offset + UInt64(byteCount) <= windowStart + UInt64(windowFilled)
        if !isInside {
            if byteCount > window.count {
                window.deallocate()
                window = .allocate(byteCount: byteCount, alignment: 4096)
            }
            windowStart = offset
            windowFilled = try orFailed { () throws(StorageError) in try file.read(into: window, at: offset) }
            guard windowFilled >= byteCount else { return nil }
        }
        return UnsafeRawPointer(window.baseAddress! + Int(offset - windowStart))
    }

    func label(at offset: UInt64) throws(WriteAheadLogError) -> [UInt8]? {
        guard let bytes = try bytes(at: offset, byteCount: LabelSector.byteCount) else { return nil }
        return Array(UnsafeRawBufferPointer(start: bytes, count: LabelSector.byteCount))
    }

    func damage(at offset: UInt64, _ reason: DamageReport.Reason) -> WriteAheadLogError {
        .damaged(DamageReport(file: segment.name, offset: offset, reason: reason))
    }
}

/// For calls before there is a log to declare failed: their failure ends the start, and there is no state to protect.
func orFailed<Value>(_ body: () throws(StorageError) -> Value) throws(WriteAheadLogError) -> Value {
    do {
        return try body()
    } catch {
        throw .failed(error)
    }
}
