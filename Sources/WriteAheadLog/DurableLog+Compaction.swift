extension DurableLog {
    /// Lets go of entries up to `through.index` (whose term is `through.term`), which a durable snapshot covers, and
    /// deletes the segments that hold nothing else. Returns how many it deleted. If none can be deleted, nothing is
    /// written and nothing changes, so it may be called after every snapshot.
    ///
    /// Vote and snapshot marker need no rewriting: the header of every segment repeats them. What is written, and
    /// durable before the first file goes, is which segment is now the oldest; without that a lost file would look
    /// like a deleted one. Pending records stay pending.
    ///
    /// Throws `noSpace` like `sync`, but only if the reserve of the active segment is used up already.
    public func compact(through: LogRecord.Position) throws(WriteAheadLogError) -> Int {
        if let failure { throw failure }
        precondition(through.index <= durable.snapshot.index, "only what a durable snapshot covers may go")
        let cut = through.index > durable.base.index ? through : durable.base
        let doomed = segments.dropLast().prefix { $0.highestEntry <= cut.index }
        guard !doomed.isEmpty else { return 0 }
        let oldest = segments[doomed.count].sequence

        let note = FrameBuffer(maximumFrameBytes: Segment.compactionReserveBytes)
        note.addCompaction(through: cut, firstSegment: oldest)
        if position.offset + UInt64(note.byteCount) > active.sealOffset { try startSegment() }
        var state = durable
        if case .refused(let reason) = state.compact(through: cut, firstSegment: oldest) {
            preconditionFailure("the log's order is broken: \(reason)")
        }
        try write(note, settling: FrameSummary(), reaching: state)
        compactPending(through: cut, firstSegment: oldest)
        try fatally { () throws(StorageError) in try storage.removeOneByOne(doomed.map(\.name)) }
        segments.removeFirst(doomed.count)
        return doomed.count
    }
}

extension LogStorage {
    /// Removes segments, oldest first, each removal durable before the next: those that remain are without a gap at
    /// any moment.
    func removeOneByOne(_ names: [String]) throws(StorageError) {
        for name in names {
            try remove(name)
            try syncDirectory()
        }
    }

    func removeIfPresent(_ name: String) throws(StorageError) {
        do {
            try remove(name)
        } catch {
            guard error.isMissingFile else { throw error }
        }
    }
}
