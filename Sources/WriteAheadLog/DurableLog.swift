/// The consensus log of one node on its disk. See the room's page for the format and the proof behind recovery.
///
/// Synchronous, without clock, randomness or threads of its own. One thread owns it (in `RaftServer` the log's thread):
/// every call may block on the disk, and no two may overlap. What is durable on return stands at each call.
///
/// After a `failed` error nothing is certain about the disk any more. The log then throws the same error from every
/// call, and the process must end (`WriteAheadLogError.isFatal`).
public final class DurableLog {
    /// What `open` gives.
    public struct Opened {
        /// With the number of this run.
        public let identity: NodeIdentity
        /// What the disk held; to be handed to Raft, the log itself keeps no entries.
        public let recovered: RecoveredLog
        public let log: DurableLog
    }

    /// What to do with a folder that has neither identity nor log.
    public enum WhenEmpty: Equatable, Sendable {
        /// Make a new log under this incarnation, a random number of the caller's.
        /// - Parameter joins: see `NodeIdentity.joins`.
        case format(incarnation: UInt64, joins: Bool = false)
        /// Throw `refused(.empty)`: this node is known to have had a disk, so an empty one is a lost one.
        case refuse
    }

    /// For metrics. Counters start at zero when the log is opened.
    public struct Statistics: Equatable, Sendable {
        public var segmentCount = 0
        /// Size of all segments and of the spare.
        public var bytesOnDisk: UInt64 = 0
        public var framesSynced: UInt64 = 0
        /// Frames with their overhead.
        public var bytesWritten: UInt64 = 0
        /// Segments that had to be filled while a sync waited, for want of a spare.
        public var segmentsFilledInline: UInt64 = 0
    }

    public let identity: NodeIdentity
    public let owner: LogOwner
    public let limits: Limits
    let storage: any LogStorage

    /// Oldest first; the last one is written to.
    var segments: [Segment]
    var activeFile: any LogFile
    var position: FramePosition
    /// What is synced.
    var durable: LogState
    /// What will be once the frame is synced.
    private(set) var pending: LogState
    private var summary = FrameSummary()
    private let frame: FrameBuffer
    var spare: PreparedSpare?
    var isSpareBeingPrepared = false
    /// The last word of this log, once there is one.
    var failure: WriteAheadLogError?
    private var framesSynced: UInt64 = 0
    private var bytesWritten: UInt64 = 0
    var segmentsFilledInline: UInt64 = 0

    /// Goes on where a recovery has ended. The file is that of the last segment.
    init(
        storage: any LogStorage, identity: NodeIdentity, owner: LogOwner, limits: Limits, end: LogScan.End,
        activeFile: any LogFile
    ) {
        precondition(limits.problems.isEmpty, "configuration checks the limits")
        precondition(!end.segments.isEmpty && end.tornBytes == 0, "the log is whole before it goes on")
        self.storage = storage
        self.identity = identity
        self.owner = owner
        self.limits = limits
        self.activeFile = activeFile
        segments = end.segments
        position = end.position
        durable = end.state
        pending = end.state
        frame = FrameBuffer(maximumFrameBytes: limits.maximumFrameBytes)
    }

    /// Takes records for the next `sync`, in order, as many as fit into its frame, and returns how many it took: at
    /// least one if nothing is pending. Does no I/O; nothing is durable on return. Throws `payloadTooLarge` having
    /// taken none.
    ///
    /// A snapshot before the one that the log names already says nothing new and is not written: that one was lost, and the
    /// state is being built from the entries again. Any other record that breaks the order rules (`LogRecord`) traps: it would make
    /// the log worthless.
    public func append(_ records: ArraySlice<LogRecord>) throws(WriteAheadLogError) -> Int {
        if let failure { throw failure }
        for record in records { try checkSize(of: record) }
        var taken = 0
        for record in records {
            if case .snapshot(let index, _) = record, index < pending.snapshot.index {
                taken += 1
                continue
            }
            guard frame.hasRoom(for: Record.byteCount(of: record)) else { break }
            let effect = pending.accept(record)
            if case .refused(let reason) = effect { preconditionFailure("the log's order is broken: \(reason)") }
            frame.add(record)
            summary.note(effect)
            taken += 1
        }
        precondition(taken > 0 || records.isEmpty || !frame.isEmpty, "an empty frame has room for any record")
        return taken
    }

    private func checkSize(of record: LogRecord) throws(WriteAheadLogError) {
        switch record {
        case .entry(_, _, let payload):
            guard payload.count <= limits.maximumPayloadBytes else {
                throw .payloadTooLarge(bytes: payload.count, maximum: limits.maximumPayloadBytes)
            }
        case .vote, .truncate, .snapshot: break
        }
    }

    /// Makes all taken records durable: one write, one fdatasync. Does nothing if none are pending.
    ///
    /// Throws `noSpace` if a new segment is due and there is no room for it: the records stay pending and the call
    /// may be repeated. Any other error is fatal.
    public func sync() throws(WriteAheadLogError) {
        if let failure { throw failure }
        guard !frame.isEmpty else { return }
        if position.offset + UInt64(frame.byteCount + Segment.compactionReserveBytes) > active.sealOffset {
            try startSegment()
        }
        try write(frame, settling: summary, reaching: pending)
        frame.clear()
        summary = FrameSummary()
    }

    /// Writes a frame at the log's end. On return it is durable and part of the log.
    func write(
        _ frame: FrameBuffer, settling summary: FrameSummary, reaching state: LogState
    ) throws(WriteAheadLogError) {
        precondition(position.offset + UInt64(frame.byteCount) <= active.sealOffset, "the segment has room")
        let (bytes, chain) = frame.finish(at: position, group: owner.group)
        try fatally { () throws(StorageError) in
            try activeFile.write(bytes, at: position.offset)
            #if AMAS_MUTANTS
                if LogMutant.active == .isNotSynced { return }
            #endif
            try activeFile.sync()
        }
        position.advance(byteCount: bytes.count, chain: chain)
        segments.settle(summary, lastIndex: state.lastIndex)
        durable = state
        framesSynced += 1
        bytesWritten += UInt64(bytes.count)
    }

    /// Brings what is pending in line with a compaction that was written before it.
    func compactPending(through: LogRecord.Position, firstSegment: UInt64) {
        guard through.index > pending.base.index else {
            pending.firstSegment = firstSegment
            return
        }
        let effect = pending.compact(through: through, firstSegment: firstSegment)
        precondition(effect == .compacted(through: through.index), "pending records leave what a snapshot covers alone")
    }

    /// Runs a call whose failure leaves the disk in doubt: whatever it throws is the last word of this log.
    func fatally<Value>(_ body: () throws(StorageError) -> Value) throws(WriteAheadLogError) -> Value {
        if let failure { throw failure }
        do {
            return try body()
        } catch {
            failure = .failed(error)
            throw .failed(error)
        }
    }

    var active: Segment { segments[segments.count - 1] }

    /// Bytes that the pending records take on disk; 0 if none are pending.
    public var pendingBytes: Int { frame.isEmpty ? 0 : frame.byteCount }

    public var statistics: Statistics {
        Statistics(
            segmentCount: segments.count,
            bytesOnDisk: segments.reduce(UInt64(spare?.byteCount ?? 0)) { $0 + $1.byteCount },
            framesSynced: framesSynced, bytesWritten: bytesWritten, segmentsFilledInline: segmentsFilledInline)
    }
}
