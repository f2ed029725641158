/// One file of the log.
///
/// ```
/// | header | frame | frame | … | blank | room for one compaction frame | seal |
/// 0        512                                                     bytes-512 bytes
/// ```
///
/// The file has its full size, zero-filled and synced, before it gets its name, and so does its header. Hence a file
/// with the wrong size or without an intact header is damage, never the trace of a crash.
struct Segment {
    static let headerBytes = Sector.byteCount
    static let sealBytes = Sector.byteCount
    /// Ordinary frames leave this free. A full disk can then still be emptied: the compaction frame, without which no
    /// segment may be deleted, needs no new segment.
    static let compactionReserveBytes = Sector.byteCount
    static let overheadBytes = headerBytes + sealBytes + compactionReserveBytes

    let sequence: UInt64
    let byteCount: UInt64
    /// No live entry in this segment has a higher index; 0 if none is live.
    var highestEntry: UInt64 = 0

    var name: String { Self.name(sequence: sequence) }
    var sealOffset: UInt64 { byteCount - UInt64(Self.sealBytes) }

    init(sequence: UInt64, byteCount: UInt64) {
        precondition(sequence > 0, "segments are counted from 1")
        precondition(byteCount > UInt64(Self.overheadBytes), "a segment has room for frames")
        self.sequence = sequence
        self.byteCount = byteCount
    }

    static func name(sequence: UInt64) -> String {
        let digits = String(sequence)
        return String(repeating: "0", count: max(0, 20 - digits.count)) + digits + ".wal"
    }

    /// The sequence in a segment's name; nil for any other file.
    static func sequence(ofName name: String) -> UInt64? {
        guard name.hasSuffix(".wal"), let sequence = UInt64(name.dropLast(4)), sequence > 0 else { return nil }
        return Self.name(sequence: sequence) == name ? sequence : nil
    }
}
