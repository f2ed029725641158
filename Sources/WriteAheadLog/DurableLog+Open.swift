extension DurableLog {
    /// Opens the log in a folder: checks whose it is, recovers it, numbers the run. Everything it returns is
    /// durable.
    ///
    /// A torn tail is cut; whatever else is wrong with the bytes throws `damaged` and changes nothing on disk. May be
    /// repeated after a crash at any point. Blocks for as long as reading the log takes.
    ///
    /// - Parameters:
    ///   - firstBoot: the number of the folder's first run. Greater than those of the node's earlier folders, so that none comes
    ///     again: sessions are named by it.
    ///   - limits: have no `problems`; configuration checks that.
    /// - Throws: `belongsElsewhere`, `refused`, `damaged`, `unknownFormatVersion`, `noSpace`, `failed`.
    public static func open(
        in storage: any LogStorage, owner: LogOwner, whenEmpty: WhenEmpty, firstBoot: UInt64 = 1,
        limits: Limits = Limits()
    ) throws(WriteAheadLogError) -> Opened {
        precondition(limits.problems.isEmpty, "configuration checks the limits")
        let names = try orFailed { () throws(StorageError) in try storage.list() }
        var sequences = names.compactMap(Segment.sequence(ofName:)).sorted()
        var identity = try NodeIdentity.admit(
            to: storage, owner: owner, hasLog: !sequences.isEmpty, whenEmpty: whenEmpty)
        if sequences.isEmpty {
            try format(storage, identity: identity, owner: owner, limits: limits)
            sequences = [1]
        }
        let (end, recovered) = try recover(storage, identity: identity, owner: owner, limits: limits, sequences)
        let (file, repaired) = try repair(storage, end, leftovers: names.filter(PreparedSpare.names.contains))
        identity.boot = identity.boot == 0 ? max(1, firstBoot) : identity.boot + 1
        try identity.write(to: storage)
        let log = DurableLog(
            storage: storage, identity: identity, owner: owner, limits: limits, end: repaired, activeFile: file)
        return Opened(identity: identity, recovered: recovered, log: log)
    }

    /// Makes the first segment.
    private static func format(
        _ storage: any LogStorage, identity: NodeIdentity, owner: LogOwner, limits: Limits
    ) throws(WriteAheadLogError) {
        precondition(identity.boot == 0, "only a folder that never ran is formatted")
        let spare = try PreparedSpare.fill(PreparedSpare.inlineName, in: storage, limits: limits)
        let segment = Segment(sequence: 1, byteCount: UInt64(spare.byteCount))
        let header = SegmentHeader(
            owner: owner, incarnation: identity.incarnation, sequence: 1, byteCount: segment.byteCount, firstFrame: 1,
            previousEnd: 0, chainBefore: 0, state: LogState())
        _ = try orFailed { () throws(StorageError) in try storage.makeSegment(segment, from: spare, header: header) }
    }

    /// Reads the log. Memory is bounded by the entries that are live at some point of the replay.
    private static func recover(
        _ storage: any LogStorage, identity: NodeIdentity, owner: LogOwner, limits: Limits, _ sequences: [UInt64]
    ) throws(WriteAheadLogError) -> (LogScan.End, RecoveredLog) {
        var entries = LiveEntries()
        let scan = LogScan(
            storage: storage, readAheadBytes: limits.readAheadBytes, expected: (owner, identity.incarnation)
        ) { event in
            if case .record(let record, let effect, _) = event { entries.note(record, effect) }
        }
        let end = try scan.run(sequences)
        if let contradiction = entries.contradiction(with: end.state) {
            throw .damaged(
                DamageReport(
                    file: end.segments[0].name, offset: UInt64(Segment.headerBytes),
                    reason: .inconsistent(contradiction)))
        }
        let active = end.segments[end.segments.count - 1]
        let cutTail =
            end.tornBytes == 0
            ? nil
            : RecoveredLog.CutTail(file: active.name, offset: end.position.offset, byteCount: end.tornBytes)
        let recovered = RecoveredLog(
            vote: end.state.vote, snapshot: end.state.snapshot.index == 0 ? nil : end.state.snapshot,
            base: end.state.base, entries: entries.entries, cutTail: cutTail)
        return (end, recovered)
    }

    /// Finishes what a crash interrupted. Every step may be repeated, and a crash between any two leaves a log that the
    /// scan judges as before.
    private static func repair(
        _ storage: any LogStorage, _ end: LogScan.End, leftovers: [String]
    ) throws(WriteAheadLogError) -> (any LogFile, LogScan.End) {
        var end = end
        let active = end.segments[end.segments.count - 1]
        let file: any LogFile = try orFailed { () throws(StorageError) in
            let file = try storage.open(active.name)
            // The names may be seen and not durable: sealed before that, a segment would miss its successor after a loss of
            // power.
            try storage.syncDirectory()
            if let seal = end.lastSeal {
                let sealed = end.segments[end.segments.count - 2]
                let sealedFile = try storage.open(sealed.name)
                try sealedFile.write(seal.label, at: sealed.sealOffset)
                try sealedFile.sync()
            }
            // The last frame may have been read from memory that no sync has reached, or that a failed one has left
            // marked as clean. Writing it again makes what is now reported as durable so.
            if let byteCount = end.lastFrameBytes {
                let offset = UInt64(end.position.previousOffset)
                try file.write(try file.read(byteCount, at: offset), at: offset)
            }
            try file.zero(Int(end.tornBytes), at: end.position.offset)
            try file.sync()
            for name in leftovers { try storage.removeIfPresent(name) }
            let doomed = end.segments.prefix { $0.sequence < end.state.firstSegment }
            try storage.removeOneByOne(doomed.map(\.name))
            return file
        }
        end.segments.removeAll { $0.sequence < end.state.firstSegment }
        end.tornBytes = 0
        return (file, end)
    }
}
