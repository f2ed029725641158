/// What the consensus log puts on disk. The payload is opaque here; terms, indices and node ids are plain integers so
/// that this room knows nothing of Raft. `RaftServer` maps its types onto them.
///
/// The order of records is the order in which they hold. `LogState` states the rules that a sequence must keep; a
/// sequence that breaks one is a defect of the caller and traps before it reaches the disk.
public enum LogRecord: Equatable, Sendable {
    /// The next entry: `index` is one above the last, `term` neither below the last entry's term nor above the term of
    /// the latest vote record. To replace entries, write `truncate` first.
    case entry(index: UInt64, term: UInt64, payload: ArraySlice<UInt8>)

    /// Current term and the node voted for in it, 0 for nobody. One record because two could be torn apart by a crash.
    /// The term never falls; within a term a vote, once given, never changes.
    case vote(term: UInt64, votedFor: UInt64)

    /// Entries from `from` on are void. Never reaches down to what a snapshot covers.
    case truncate(from: UInt64)

    /// Everything up to `index` is covered by a snapshot that is itself durable already. If `index` lies past the last
    /// entry, all entries are void and the log goes on at `index + 1`; otherwise entries stay until `compact`. Where
    /// the entry at `index` has another term than the snapshot, truncate first.
    case snapshot(index: UInt64, term: UInt64)

    /// A place in the log and the term of the entry there; (0, 0) is before the first entry.
    public struct Position: Equatable, Sendable {
        public var index: UInt64
        public var term: UInt64

        public static let origin = Position(index: 0, term: 0)

        public init(index: UInt64, term: UInt64) {
            self.index = index
            self.term = term
        }
    }

    /// The content of a `vote` record; (0, 0) before the first.
    public struct Vote: Equatable, Sendable {
        public var term: UInt64
        /// 0: nobody yet.
        public var votedFor: UInt64

        public static let none = Vote(term: 0, votedFor: 0)

        public init(term: UInt64, votedFor: UInt64) {
            self.term = term
            self.votedFor = votedFor
        }
    }
}
