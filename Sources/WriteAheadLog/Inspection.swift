/// One thing that `DurableLog.inspect` meets, in the order of the log.
public enum InspectedItem: Equatable, Sendable {
    /// A segment; `firstIndex` is what the next entry would have had when it was begun.
    case segment(file: String, byteCount: UInt64, owner: LogOwner, incarnation: UInt64, firstIndex: UInt64)
    /// What one sync made durable. `offset` is in the segment before.
    case frame(sequence: UInt64, offset: UInt64, byteCount: Int, recordCount: Int)
    /// A record of the frame before; `offset` is where its header begins. The payload is not kept.
    case record(InspectedRecord, offset: UInt64)
}

/// A record without its payload.
public enum InspectedRecord: Equatable, Sendable {
    case entry(index: UInt64, term: UInt64, payloadBytes: Int)
    case vote(term: UInt64, votedFor: UInt64)
    case truncate(from: UInt64)
    case snapshot(index: UInt64, term: UInt64)
    /// The log's own: entries up to `through` and segments before `firstSegment` were deleted.
    case compaction(through: LogRecord.Position, firstSegment: UInt64)
}

/// What inspection ends with.
public enum InspectionVerdict: Equatable, Sendable {
    /// Whole to the end; the next frame would begin at `offset`.
    case sound(file: String, offset: UInt64)
    /// Whole but for a frame that a crash, or a write that is under way, has left unfinished at the end.
    case torn(file: String, offset: UInt64, byteCount: UInt64)
    /// A node would not start from it. What was visited before is intact.
    case damaged(DamageReport)
    /// There is no log in the folder.
    case empty
}

extension DurableLog {
    /// Reads the whole log, hands out everything in order, and judges it as a start would. Writes nothing, takes no
    /// lock; beside a running node a write that is under way may look torn or damaged, and compaction may take a
    /// segment away (`failed` with ENOENT), so judge only a node that is down.
    ///
    /// - Throws: `belongsElsewhere` if segments of several owners are mixed, `unknownFormatVersion`, `failed`.
    public static func inspect(
        in storage: any LogStorage, readAheadBytes: Int = Limits().readAheadBytes, visit: (InspectedItem) -> Void
    ) throws(WriteAheadLogError) -> InspectionVerdict {
        let names = try orFailed { () throws(StorageError) in try storage.list() }
        let sequences = names.compactMap(Segment.sequence(ofName:)).sorted()
        guard !sequences.isEmpty else { return .empty }
        do {
            let end = try withoutActuallyEscaping(visit) { visit throws(WriteAheadLogError) in
                let scan = LogScan(storage: storage, readAheadBytes: readAheadBytes, expected: nil) { event in
                    visit(InspectedItem(event))
                }
                return try scan.run(sequences)
            }
            let file = end.segments[end.segments.count - 1].name
            return end.tornBytes == 0
                ? .sound(file: file, offset: end.position.offset)
                : .torn(file: file, offset: end.position.offset, byteCount: end.tornBytes)
        } catch {
            guard case .damaged(let report) = error else { throw error }
            return .damaged(report)
        }
    }
}

extension InspectedItem {
    init(_ event: LogScan.Event) {
        switch event {
        case .segment(let header):
            self = .segment(
                file: Segment.name(sequence: header.sequence), byteCount: header.byteCount, owner: header.owner,
                incarnation: header.incarnation, firstIndex: header.state.lastIndex &+ 1)
        case .frame(let header, _, let offset):
            self = .frame(
                sequence: header.sequence, offset: offset, byteCount: header.byteCount,
                recordCount: Int(header.recordCount))
        case .record(let record, _, let offset):
            self = .record(InspectedRecord(record), offset: offset)
        }
    }
}

extension InspectedRecord {
    init(_ record: Record.Stored) {
        switch record {
        case .written(.entry(let index, let term, let payload)):
            self = .entry(index: index, term: term, payloadBytes: payload.count)
        case .written(.vote(let term, let votedFor)): self = .vote(term: term, votedFor: votedFor)
        case .written(.truncate(let from)): self = .truncate(from: from)
        case .written(.snapshot(let index, let term)): self = .snapshot(index: index, term: term)
        case .compaction(let through, let firstSegment):
            self = .compaction(through: through, firstSegment: firstSegment)
        }
    }
}
