extension DurableLog {
    /// Goes on in a new segment. Each step is durable before the next, so that a crash between any two leaves either
    /// the old segment last, or the new one last and empty:
    ///
    /// 1. a zero-filled file (the spare, as a rule) gets its header;
    /// 2. it gets its name: from here on it exists;
    /// 3. the old segment gets its seal: from here on the new one cannot vanish unnoticed;
    /// 4. frames follow.
    func startSegment() throws(WriteAheadLogError) {
        let spare = try takeSpare()
        let next = Segment(sequence: active.sequence + 1, byteCount: UInt64(spare.byteCount))
        let header = SegmentHeader(
            owner: owner, incarnation: identity.incarnation, sequence: next.sequence, byteCount: next.byteCount,
            firstFrame: position.sequence, previousEnd: position.offset, chainBefore: position.chain, state: durable)
        let seal = SegmentSeal(sequence: active.sequence, end: position.offset, chain: position.chain)
        activeFile = try fatally { () throws(StorageError) in
            let file = try storage.makeSegment(next, from: spare, header: header)
            try activeFile.write(seal.label, at: active.sealOffset)
            try activeFile.sync()
            return file
        }
        segments.append(next)
        position = FramePosition(startOf: header)
    }

    /// The spare, or one that is filled now, while the caller waits.
    private func takeSpare() throws(WriteAheadLogError) -> PreparedSpare {
        if let spare {
            self.spare = nil
            return spare
        }
        segmentsFilledInline += 1
        do {
            return try PreparedSpare.fill(PreparedSpare.inlineName, in: storage, limits: limits)
        } catch {
            if error.isFatal { failure = error }
            throw error
        }
    }

    /// The work of filling the next segment with zeros, for another thread, so that no `sync` waits for it. Nil while a
    /// spare is ready or being prepared. Ask after `open` and after every `sync`; hand the result to
    /// `finishSparePreparation`.
    public func sparePreparation() -> SparePreparation? {
        guard spare == nil, !isSpareBeingPrepared else { return nil }
        isSpareBeingPrepared = true
        return SparePreparation(storage: storage, limits: limits)
    }

    /// Takes the result of a preparation, on the log's own thread. A failure is not the log's: it goes on without a
    /// spare, and `sparePreparation` offers the work again. `noSpace` here is the early warning that the disk is full.
    public func finishSparePreparation(_ result: Result<PreparedSpare, WriteAheadLogError>) {
        precondition(isSpareBeingPrepared && spare == nil, "one preparation at a time")
        isSpareBeingPrepared = false
        spare = try? result.get()
    }
}

extension LogStorage {
    /// Turns a zero-filled file into a segment. On return file, header and name are durable.
    func makeSegment(
        _ segment: Segment, from spare: PreparedSpare, header: SegmentHeader
    ) throws(StorageError) -> any LogFile {
        precondition(segment.sequence == header.sequence && segment.byteCount == header.byteCount, "one segment")
        let file = try open(spare.name)
        try file.write(header.label, at: 0)
        try file.sync()
        try rename(spare.name, to: segment.name)
        try syncDirectory()
        return file
    }
}

extension LogFile {
    func write(_ label: LabelSector, at offset: UInt64) throws(StorageError) {
        try write(label.bytes, at: offset)
    }
}
