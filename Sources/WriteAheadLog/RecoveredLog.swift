/// What a data folder says after a start. Everything in here is durable, also against a loss of power right after:
/// `DurableLog.open` has synced it again.
public struct RecoveredLog: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public var index: UInt64
        public var term: UInt64
        /// Shares storage with the other entries of its frame.
        public var payload: ArraySlice<UInt8>

        public init(index: UInt64, term: UInt64, payload: ArraySlice<UInt8>) {
            self.index = index
            self.term = term
            self.payload = payload
        }
    }

    /// A frame that a crash cut short. Its sync had not returned, so nobody was told that its records are kept.
    public struct CutTail: Equatable, Sendable {
        public var file: String
        /// Where the frame began, in bytes from the start of the file; the log goes on here.
        public var offset: UInt64
        /// From `offset` to the end of the last sector of the frame that had reached the disk.
        public var byteCount: UInt64
    }

    public var vote: LogRecord.Vote
    /// The latest snapshot marker.
    public var snapshot: LogRecord.Position?
    /// The entry before the first of `entries`: the last one compacted away, or the snapshot that replaced the log.
    public var base: LogRecord.Position
    /// The live entries: contiguous, the first at `base.index + 1`, terms never falling.
    public var entries: [Entry]
    /// Set if a torn frame was removed; worth a line in the node's journal, no reason to worry.
    public var cutTail: CutTail?

    /// Where the log ends: the last entry, or `base` if there are none.
    public var last: LogRecord.Position {
        entries.last.map { LogRecord.Position(index: $0.index, term: $0.term) } ?? base
    }
}
