/// What members say to each other. `term` is always the sender's own term, also in a pre-vote.
public struct Message: Hashable, Sendable {
    public var from: NodeID
    public var to: NodeID
    public var term: Term
    public var body: Body

    public init(from: NodeID, to: NodeID, term: Term, body: Body) {
        self.from = from
        self.to = to
        self.term = term
        self.body = body
    }

    public enum Body: Hashable, Sendable {
        /// "Would you vote for me in `term + 1`?" Changes nothing at either side (thesis §9.6).
        case preVoteRequest(lastLog: LogPosition)
        /// `candidacy` is the term asked about, so that a late answer is not counted in another campaign.
        case preVoteResponse(granted: Bool, candidacy: Term)
        /// `transfer` marks a campaign that the leader itself asked for: stickiness does not hold it up.
        case voteRequest(lastLog: LogPosition, transfer: Bool)
        case voteResponse(granted: Bool)
        case appendEntries(AppendEntries)
        /// All entries up to `match` are the leader's, and durable at the sender.
        case appendAccepted(match: LogIndex)
        /// The sender's log does not have the entry at `rejected` that the leader's next ones follow. `hint` is the last place
        /// there that may agree: the greatest index below `rejected` whose term is not above the one asked for.
        case appendRejected(rejected: LogIndex, hint: LogPosition)
        /// Keeps followers calm and tells them the commit index. `round` is echoed; zero wants no answer.
        case heartbeat(commit: LogIndex, round: UInt64)
        case heartbeatResponse(round: UInt64)
        /// The snapshot's bytes have arrived at the receiver by the server's bulk channel and are complete.
        case installSnapshot(SnapshotDescriptor)
        /// "Campaign now": ends a leadership transfer (thesis §3.10).
        case timeoutNow
        /// Answer to a leader of an older term, so that it learns of the newer one and steps down.
        case staleTerm
    }

    public struct AppendEntries: Hashable, Sendable {
        /// The entry that the first of `entries` follows.
        public var previous: LogPosition
        public var entries: ArraySlice<Entry>
        public var commit: LogIndex

        public init(previous: LogPosition, entries: ArraySlice<Entry>, commit: LogIndex) {
            self.previous = previous
            self.entries = entries
            self.commit = commit
        }
    }
}
