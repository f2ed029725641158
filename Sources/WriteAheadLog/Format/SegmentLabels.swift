/// The first sector of a segment: whose it is, where it continues, and the state of the log at that point, so that
/// earlier segments can be deleted without rewriting what they said about vote, snapshot and base.
struct SegmentHeader: Equatable {
    static let magic: StaticString = "AMAS-WAL"

    var owner: LogOwner
    var incarnation: UInt64
    var sequence: UInt64
    var byteCount: UInt64
    /// Sequence of the first frame in this segment.
    var firstFrame: UInt64
    /// Where the frames of the segment before end: proof that none of them is missing. 0 in the first segment.
    var previousEnd: UInt64
    /// The chain after the last frame of the segment before; 0 in the first.
    var chainBefore: UInt32
    var state: LogState

    var label: LabelSector {
        var label = LabelSector(magic: Self.magic)
        label.put(owner.group, at: 12)
        label.put(owner.nodeID, at: 16)
        label.put(incarnation, at: 24)
        label.put(sequence, at: 32)
        label.put(byteCount, at: 40)
        label.put(firstFrame, at: 48)
        label.put(previousEnd, at: 56)
        label.put(chainBefore, at: 64)
        label.put(UInt32(Sector.byteCount), at: 68)
        label.put(state.vote.term, at: 72)
        label.put(state.vote.votedFor, at: 80)
        label.put(state.snapshot.index, at: 88)
        label.put(state.snapshot.term, at: 96)
        label.put(state.base.index, at: 104)
        label.put(state.base.term, at: 112)
        label.put(state.lastIndex, at: 120)
        label.put(state.lastTerm, at: 128)
        label.put(state.firstSegment, at: 136)
        label.put(text: owner.clusterID, at: 144)
        label.close()
        return label
    }

    /// Nil if the fields contradict each other, which an intact checksum makes a defect of the writer.
    init?(_ label: LabelSector) {
        guard let clusterID = label.text(at: 144), !clusterID.isEmpty,
            clusterID.utf8.count <= NodeIdentity.maximumClusterIDBytes,
            label.get(at: 16) as UInt64 != 0, label.get(at: 68) as UInt32 == UInt32(Sector.byteCount)
        else { return nil }
        owner = LogOwner(clusterID: clusterID, nodeID: label.get(at: 16), group: label.get(at: 12))
        incarnation = label.get(at: 24)
        sequence = label.get(at: 32)
        byteCount = label.get(at: 40)
        firstFrame = label.get(at: 48)
        previousEnd = label.get(at: 56)
        chainBefore = label.get(at: 64)
        state = LogState()
        state.vote = .init(term: label.get(at: 72), votedFor: label.get(at: 80))
        state.snapshot = .init(index: label.get(at: 88), term: label.get(at: 96))
        state.base = .init(index: label.get(at: 104), term: label.get(at: 112))
        state.lastIndex = label.get(at: 120)
        state.lastTerm = label.get(at: 128)
        state.firstSegment = label.get(at: 136)
        guard sequence > 0, byteCount > UInt64(Segment.overheadBytes), byteCount % UInt64(Sector.byteCount) == 0,
            byteCount <= UInt64(UInt32.max), firstFrame > 0
        else { return nil }
    }

    init(
        owner: LogOwner, incarnation: UInt64, sequence: UInt64, byteCount: UInt64, firstFrame: UInt64,
        previousEnd: UInt64, chainBefore: UInt32, state: LogState
    ) {
        precondition(sequence > 0 && firstFrame > 0, "segments and frames are counted from 1")
        precondition((sequence == 1) == (previousEnd == 0), "only the first segment has none before it")
        self.owner = owner
        self.incarnation = incarnation
        self.sequence = sequence
        self.byteCount = byteCount
        self.firstFrame = firstFrame
        self.previousEnd = previousEnd
        self.chainBefore = chainBefore
        self.state = state
    }
}

/// The last sector of a segment, blank until the next segment exists durably: proof that there is one.
struct SegmentSeal: Equatable {
    static let magic: StaticString = "AMASSEAL"

    var sequence: UInt64
    /// Where the frames of this segment end, as the next header says too.
    var end: UInt64
    var chain: UInt32

    var label: LabelSector {
        var label = LabelSector(magic: Self.magic)
        label.put(chain, at: 12)
        label.put(sequence, at: 16)
        label.put(end, at: 24)
        label.close()
        return label
    }

    init(sequence: UInt64, end: UInt64, chain: UInt32) {
        precondition(sequence > 0 && end >= UInt64(Segment.headerBytes), "a sealed segment has at least its header")
        self.sequence = sequence
        self.end = end
        self.chain = chain
    }

    init?(_ label: LabelSector) {
        guard label.get(at: 16) as UInt64 > 0, label.get(at: 24) as UInt64 >= UInt64(Segment.headerBytes) else {
            return nil
        }
        self.init(sequence: label.get(at: 16), end: label.get(at: 24), chain: label.get(at: 12))
    }
}
