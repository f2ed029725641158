extension LogScan {
    /// Reads and judges a segment's header: intact, of the expected owner, next to the one before it, and of a file
    /// that has its full size.
    func header(
        of sequence: UInt64, after previous: SegmentHeader?
    ) throws(WriteAheadLogError) -> SegmentHeader {
        let name = Segment.name(sequence: sequence)
        func damage(at offset: UInt64, _ reason: DamageReport.Reason) -> WriteAheadLogError {
            .damaged(DamageReport(file: name, offset: offset, reason: reason))
        }
        let file = try orFailed { () throws(StorageError) in try storage.open(name) }
        guard let bytes = try LabelSector.bytes(of: file) else { throw damage(at: 0, .missingBytes) }
        let header: SegmentHeader
        switch LabelSector.read(bytes, magic: SegmentHeader.magic) {
        case .blank: throw damage(at: 0, .missingBytes)
        case .damaged: throw damage(at: 0, .badChecksum)
        case .newerVersion(let version): throw .unknownFormatVersion(file: name, version: version)
        case .label(let label):
            guard let read = SegmentHeader(label), read.sequence == sequence else {
                throw damage(at: 0, .inconsistent("the segment's header does not fit its name"))
            }
            header = read
        }
        if let owner = expected ?? previous.map({ (owner: $0.owner, incarnation: $0.incarnation) }) {
            try check(header, in: name, belongsTo: owner)
        }
        if let previous, previous.sequence + 1 != sequence {
            throw .damaged(.missingSegment(previous.sequence + 1))
        }
        let size = try orFailed { () throws(StorageError) in try file.size() }
        guard size == header.byteCount else {
            throw damage(at: min(size, header.byteCount), .wrongFileSize(expected: header.byteCount, found: size))
        }
        return header
    }

    private func check(
        _ header: SegmentHeader, in file: String, belongsTo expected: (owner: LogOwner, incarnation: UInt64)
    ) throws(WriteAheadLogError) {
        if let mismatch = OwnerMismatch.between(expected.owner, header.owner) {
            throw .belongsElsewhere(file: file, mismatch: mismatch)
        }
        if header.incarnation != expected.incarnation {
            let mismatch = OwnerMismatch.incarnation(expected: expected.incarnation, found: header.incarnation)
            throw .belongsElsewhere(file: file, mismatch: mismatch)
        }
    }
}

extension OwnerMismatch {
    /// The first thing in which two owners differ; nil if they are the same.
    static func between(_ expected: LogOwner, _ found: LogOwner) -> OwnerMismatch? {
        if expected.clusterID != found.clusterID {
            return .cluster(expected: expected.clusterID, found: found.clusterID)
        }
        if expected.nodeID != found.nodeID { return .node(expected: expected.nodeID, found: found.nodeID) }
        if expected.group != found.group { return .group(expected: expected.group, found: found.group) }
        return nil
    }
}

extension LabelSector {
    /// The first sector of a file; nil if the file is shorter.
    static func bytes(of file: any LogFile) throws(WriteAheadLogError) -> [UInt8]? {
        let bytes = try orFailed { () throws(StorageError) in try file.read(byteCount, at: 0) }
        return bytes.count == byteCount ? bytes : nil
    }
}
