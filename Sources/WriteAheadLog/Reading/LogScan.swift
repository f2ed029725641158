/// Reads a whole log in order, judges every byte that was ever synced, replays the records through `LogState`, and
/// hands each on. Recovery and inspection are two visitors of it. Writes nothing.
struct LogScan {
    enum Event {
        case segment(SegmentHeader)
        case frame(Frame.Header, file: String, offset: UInt64)
        /// `offset` is where the record begins in the file of the frame before it.
        case record(Record.Stored, LogState.Effect, offset: UInt64)
    }

    /// How the log ends; recovery goes on from here.
    struct End {
        /// All present segments, oldest first; the last one is active.
        var segments: [Segment]
        var state: LogState
        /// Where the next frame goes, in the last segment.
        var position: FramePosition
        /// What a torn frame left behind `position`.
        var tornBytes: UInt64
        /// Length of the last whole frame in the last segment, nil if it has none.
        var lastFrameBytes: Int?
        /// The seal of the segment before the last, which may not have reached the disk.
        var lastSeal: SegmentSeal?
    }

    let storage: any LogStorage
    let readAheadBytes: Int
    /// Checked against every header before anything else in the file is judged; nil accepts any owner, but only one.
    let expected: (owner: LogOwner, incarnation: UInt64)?
    let visit: (Event) -> Void

    func run(_ sequences: [UInt64]) throws(WriteAheadLogError) -> End {
        precondition(!sequences.isEmpty && sequences == sequences.sorted(), "there is a log, oldest segment first")
        var headers: [SegmentHeader] = []
        for sequence in sequences { headers.append(try header(of: sequence, after: headers.last)) }
        var walk = Walk(first: headers[0])
        for header in headers.dropLast() {
            let reader = try self.reader(of: header)
            try enter(header, reader, &walk)
            try leave(reader, next: headers[walk.segments.count], &walk)
        }
        let last = try reader(of: headers[headers.count - 1])
        try enter(headers[headers.count - 1], last, &walk)
        return try end(last, group: headers[0].owner.group, walk)
    }

    /// What is carried from frame to frame.
    private struct Walk {
        var state: LogState
        var position: FramePosition
        var segments: [Segment] = []
        var lastFrameBytes: Int?
        var lastSeal: SegmentSeal?
        /// The seal of the segment before the current one is blank.
        var isSealMissing = false

        init(first header: SegmentHeader) {
            state = header.sequence == 1 ? LogState() : header.state
            position = FramePosition(startOf: header)
        }
    }

    private func reader(of header: SegmentHeader) throws(WriteAheadLogError) -> SegmentReader {
        let segment = Segment(sequence: header.sequence, byteCount: header.byteCount)
        let file = try orFailed { () throws(StorageError) in try storage.open(segment.name) }
        return SegmentReader(file: file, segment: segment, readAheadBytes: readAheadBytes)
    }

    /// Begins a segment: its header must say what the records before it amount to. Then reads its frames.
    private func enter(
        _ header: SegmentHeader, _ reader: SegmentReader, _ walk: inout Walk
    ) throws(WriteAheadLogError) {
        guard header.state == walk.state else {
            throw reader.damage(at: 0, .inconsistent("the segment's header disagrees with the records before it"))
        }
        walk.position = FramePosition(startOf: header)
        walk.segments.append(reader.segment)
        walk.lastFrameBytes = nil
        visit(.segment(header))
        while case .frame(let frame, let records, let chain) = try reader.frame(
            at: walk.position, group: header.owner.group)
        {
            visit(.frame(frame, file: reader.segment.name, offset: walk.position.offset))
            try replay(records, of: frame, in: reader, &walk)
            walk.position.advance(byteCount: frame.byteCount, chain: chain)
            walk.lastFrameBytes = frame.byteCount
        }
    }

    private func replay(
        _ records: ArraySlice<UInt8>, of frame: Frame.Header, in reader: SegmentReader, _ walk: inout Walk
    ) throws(WriteAheadLogError) {
        var rest = records
        var summary = FrameSummary()
        for _ in 0..<frame.recordCount {
            let offset = walk.position.offset + Frame.offset(ofContent: records.count - rest.count)
            guard let record = Record.read(&rest) else {
                throw reader.damage(at: offset, .inconsistent("a record is malformed"))
            }
            let effect = walk.state.accept(record)
            if case .refused(let reason) = effect { throw reader.damage(at: offset, .inconsistent(reason)) }
            summary.note(effect)
            visit(.record(record, effect, offset: offset))
        }
        guard rest.isEmpty else {
            throw reader.damage(at: walk.position.offset, .inconsistent("bytes follow the last record of a frame"))
        }
        walk.segments.settle(summary, lastIndex: walk.state.lastIndex)
    }

    /// Leaves a segment that has a next one: the frames must end where the next header says, and the seal, if it has
    /// reached the disk, must agree.
    private func leave(
        _ reader: SegmentReader, next: SegmentHeader, _ walk: inout Walk
    ) throws(WriteAheadLogError) {
        guard !walk.isSealMissing else { throw Self.missingSeal(walk) }
        guard walk.position.offset >= next.previousEnd else {
            throw reader.damage(at: walk.position.offset, .missingBytes)
        }
        guard walk.position.offset == next.previousEnd, walk.position.chain == next.chainBefore,
            walk.position.sequence == next.firstFrame
        else { throw reader.damage(at: next.previousEnd, .inconsistent("the next segment continues elsewhere")) }
        let seal = SegmentSeal(
            sequence: reader.segment.sequence, end: walk.position.offset, chain: walk.position.chain)
        let found = try self.seal(of: reader)
        guard found == nil || found == seal else {
            throw reader.damage(at: reader.segment.sealOffset, .inconsistent("the seal disagrees with the frames"))
        }
        walk.lastSeal = seal
        walk.isSealMissing = found == nil
    }

    /// The segment's seal; nil if it is blank.
    private func seal(of reader: SegmentReader) throws(WriteAheadLogError) -> SegmentSeal? {
        let offset = reader.segment.sealOffset
        guard let bytes = try reader.label(at: offset) else { throw reader.damage(at: offset, .missingBytes) }
        switch LabelSector.read(bytes, magic: SegmentSeal.magic) {
        case .blank: return nil
        case .damaged: throw reader.damage(at: offset, .badChecksum)
        case .newerVersion(let version): throw .unknownFormatVersion(file: reader.segment.name, version: version)
        case .label(let label):
            guard let seal = SegmentSeal(label) else { throw reader.damage(at: offset, .inconsistent("a bad seal")) }
            return seal
        }
    }

    private func end(
        _ reader: SegmentReader, group: UInt32, _ walk: Walk
    ) throws(WriteAheadLogError) -> End {
        var torn: Frame.Header?
        if case .torn(let header) = try reader.frame(at: walk.position, group: group) { torn = header }
        let tornBytes = try reader.torn(after: walk.position, header: torn)
        if walk.isSealMissing, walk.lastFrameBytes != nil || tornBytes > 0 { throw Self.missingSeal(walk) }
        if try seal(of: reader) != nil {
            throw .damaged(.missingSegment(reader.segment.sequence + 1))
        }
        guard walk.segments[0].sequence <= walk.state.firstSegment else {
            throw .damaged(.missingSegment(walk.state.firstSegment))
        }
        return End(
            segments: walk.segments, state: walk.state, position: walk.position, tornBytes: tornBytes,
            lastFrameBytes: walk.lastFrameBytes, lastSeal: walk.lastSeal)
    }

    /// A frame is written into a segment only when the seal of the one before is durable. So a blank seal is the trace
    /// of a crash only while the next segment has no frame.
    private static func missingSeal(_ walk: Walk) -> WriteAheadLogError {
        let sealed = walk.segments[walk.segments.count - 2]
        return .damaged(DamageReport(file: sealed.name, offset: sealed.sealOffset, reason: .missingBytes))
    }
}
