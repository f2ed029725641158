/// What a leader knows of one other member's log.
struct Progress: Hashable, Sendable {
    enum State: Hashable, Sendable {
        /// Finding the place where the logs agree: one message at a time.
        case probe(waiting: Bool)
        /// The logs agree up to the entry before `next`: messages follow each other without waiting.
        case replicate
        /// What comes next is compacted; a snapshot up to this index is on its way.
        case snapshot(LogIndex)
    }

    let id: NodeID
    var match = LogIndex.zero
    var next: LogIndex
    var state = State.probe(waiting: false)
    /// The last index of every message that is not yet answered, oldest first.
    var inFlight: [LogIndex] = []
    /// The end of the window at the last look: what stands there still at the next one was lost.
    var unansweredAtLastLook = LogIndex.zero
    /// What is not answered is not repeated before this. Reads may cost a round of heartbeats every network round trip, which
    /// is shorter than a disk write: repeating by rounds would send everything many times. Nil while a snapshot's bytes are
    /// under way.
    var repeatNotBefore: Tick?
    /// The commit index that the member was last told.
    var toldCommit = LogIndex.zero
    var acknowledgedRound: UInt64 = 0
    /// Whether the member was heard since the last check of the quorum.
    var isActive = true
    /// The beginning of the leadership, while the member was not heard.
    var lastContact: Tick
    /// Whether it was heard since its connection was last seen to close: a new leader gives everybody time, and counts on nobody.
    var isHeard = false

    init(id: NodeID, next: LogIndex, now: Tick) {
        self.id = id
        self.next = next
        lastContact = now
    }

    mutating func becomeProbe() {
        switch state {
        case .probe, .replicate: next = match.next
        case .snapshot(let index): next = max(match, index).next
        }
        state = .probe(waiting: false)
        inFlight = []
        unansweredAtLastLook = .zero
        repeatNotBefore = nil
    }

    /// The member has everything up to `index`. Returns whether that was news.
    mutating func accepted(_ index: LogIndex) -> Bool {
        inFlight.removeAll { $0 <= index }
        guard index > match else {
            if case .probe(waiting: true) = state { state = .replicate }
            return false
        }
        match = index
        next = max(next, index.next)
        switch state {
        case .probe:
            state = .replicate
            next = index.next
        case .replicate:
            break
        case .snapshot(let pending):
            if index >= pending {
                state = .replicate
                next = index.next
            }
        }
        precondition(next > match, "what is acknowledged is not sent again")
        return true
    }
}
