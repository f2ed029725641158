/// The part of the log that is not compacted, and how far each stage of an entry's life has come:
/// `applied <= handedOut <= min(commit, durable)`, and everything between `base` and `last` is in memory.
struct EntryLog: Hashable, Sendable {
    /// The last compacted entry; zero when the log is whole.
    private(set) var base: LogPosition
    private(set) var durable: LogIndex
    private(set) var commit: LogIndex
    private(set) var handedOut: LogIndex
    private(set) var applied: LogIndex
    private var entries: [Entry] = []
    private var handedOutBytes = 0
    /// Writes that are not yet durable, oldest first, each with the last entry that its completion will prove durable.
    private var writesInFlight: [WriteInFlight] = []
    /// The memberships of the log, oldest first. The first one holds at `base`; the last one is in force.
    private var memberships: [MembershipAt]

    private struct WriteInFlight: Hashable {
        var token: WriteToken
        var through: LogIndex
        var since: Tick
    }

    private struct MembershipAt: Hashable {
        var index: LogIndex
        var membership: Membership
    }

    init(snapshot: SnapshotDescriptor, entriesFrom base: LogPosition, entries: [Entry]) {
        precondition(base.index <= snapshot.position.index, "what is compacted is in the snapshot")
        self.base = base
        self.durable = base.index
        self.commit = snapshot.position.index
        self.handedOut = snapshot.position.index
        self.applied = snapshot.position.index
        // Configuration entries between the base and the snapshot repeat what the snapshot knows: the last one wins, as ever.
        memberships = [MembershipAt(index: base.index, membership: Self.restored(snapshot))]
        for entry in entries { append(entry) }
        durable = last.index
        precondition(commit <= last.index, "the snapshot does not reach beyond the log")
    }

    // MARK: Reading

    var last: LogPosition {
        guard let entry = entries.last else { return base }
        return LogPosition(index: entry.index, term: entry.term)
    }

    var membership: Membership { memberships[memberships.count - 1].membership }
    var membershipIndex: LogIndex { memberships[memberships.count - 1].index }

    /// The membership that was in force once everything up to `index` had been appended.
    func membership(at index: LogIndex) -> Membership {
        precondition(index >= memberships[0].index, "memberships before the base are gone")
        var found = memberships[0].membership
        for change in memberships where change.index <= index { found = change.membership }
        return found
    }

    /// Whether the node votes in a membership that may be decisive: the committed one, or a later one.
    func mayBeVoter(_ node: NodeID) -> Bool {
        for change in memberships.reversed() {
            if change.membership.isVoter(node) { return true }
            if change.index <= commit { return false }
        }
        return false
    }

    /// The term of the entry at `index`, or nil if it is compacted or not there yet.
    func term(at index: LogIndex) -> Term? {
        if index == base.index { return base.term }
        guard let position = position(of: index) else { return nil }
        return entries[position].term
    }

    /// Entries from `index` on, up to a size; always at least one if there is one.
    func slice(from index: LogIndex, maximumBytes: Int) -> ArraySlice<Entry> {
        precondition(index > base.index, "compacted entries are sent as a snapshot")
        guard let start = position(of: index) else { return [] }
        var end = start
        var bytes = 0
        while end < entries.count {
            bytes += entries[end].sizeInBytes
            if bytes > maximumBytes, end > start { break }
            end += 1
        }
        return entries[start..<end]
    }

    /// The lowest index from which on the entries up to `end` have at most so many bytes together.
    func start(of end: LogIndex, maximumBytes: Int) -> LogIndex {
        var index = end.next
        var bytes = 0
        while let position = position(of: index.previous) {
            bytes += entries[position].sizeInBytes
            if bytes > maximumBytes { break }
            index = index.previous
        }
        return index
    }

    /// The greatest index not above `limit` whose term is not above `term`: the last place where the two logs may agree.
    func lastPosition(notAbove limit: LogIndex, term: Term) -> LogPosition {
        var index = min(limit, last.index)
        while index > base.index, let found = self.term(at: index), found > term { index = index.previous }
        return LogPosition(index: index, term: self.term(at: index) ?? base.term)
    }

    private func position(of index: LogIndex) -> Int? {
        guard index > base.index, index <= last.index else { return nil }
        return Int(index.rawValue - base.index.rawValue) - 1
    }

    // MARK: Changing

    mutating func append(_ entry: Entry) {
        precondition(entry.index == last.index.next, "the log has no gaps")
        precondition(entry.term >= last.term, "terms never decrease along a log")
        entries.append(entry)
        if entry.kind == .configuration {
            // What this node wrote or a leader sent is a membership: each encodes it before it appends it.
            guard let membership = try? Membership(decoding: entry.data) else {
                preconditionFailure("entry \(entry.index) claims to be a configuration and cannot be read")
            }
            memberships.append(MembershipAt(index: entry.index, membership: membership))
        }
    }

    /// Makes everything from `index` on void. A write in flight proves no more than what lies before.
    mutating func truncate(from index: LogIndex) {
        precondition(index > commit, "a committed entry is never taken back")
        precondition(index > base.index, "a compacted entry is committed")
        guard let start = position(of: index) else { return }
        entries.removeSubrange(start...)
        durable = min(durable, index.previous)
        #if AMAS_MUTANTS
            if Mutant.active == .completionOfTruncatedWrite {
                while memberships.count > 1, memberships[memberships.count - 1].index >= index {
                    memberships.removeLast()
                }
                return
            }
        #endif
        for place in writesInFlight.indices {
            writesInFlight[place].through = min(writesInFlight[place].through, index.previous)
        }
        while memberships.count > 1, memberships[memberships.count - 1].index >= index { memberships.removeLast() }
    }

    mutating func writeStarted(_ token: WriteToken, at now: Tick) {
        precondition(writesInFlight.last.map { $0.token < token } ?? true, "tokens rise")
        writesInFlight.append(WriteInFlight(token: token, through: last.index, since: now))
    }

    /// When the oldest write that is not yet durable was handed to the disk.
    var oldestWriteSince: Tick? { writesInFlight.first?.since }

    /// Everything written up to `token` is durable.
    mutating func writeCompleted(_ token: WriteToken) {
        var completed = 0
        while completed < writesInFlight.count, writesInFlight[completed].token <= token {
            #if AMAS_MUTANTS
                durable = max(durable, min(writesInFlight[completed].through, last.index))
            #else
                durable = max(durable, writesInFlight[completed].through)
            #endif
            completed += 1
        }
        writesInFlight.removeFirst(completed)
        precondition(durable <= last.index, "only what is in the log can be durable")
    }

    mutating func commit(to index: LogIndex) {
        guard index > commit else { return }
        precondition(index <= last.index, "what a quorum acknowledged is in this log")
        commit = index
    }

    /// The next entries to apply, if any and if the state machine has room for them.
    mutating func takeApplicable(maximumEntries: Int, maximumBytes: Int) -> [Entry] {
        #if AMAS_MUTANTS
            let limit = Mutant.active == .appliesBeforeDurable ? commit : min(commit, durable)
        #else
            let limit = min(commit, durable)
        #endif
        var taken: [Entry] = []
        while handedOut < limit, Int(handedOut.rawValue - applied.rawValue) < maximumEntries,
            handedOutBytes < maximumBytes, let place = position(of: handedOut.next)
        {
            taken.append(entries[place])
            handedOutBytes += entries[place].sizeInBytes
            handedOut = handedOut.next
        }
        return taken
    }

    mutating func applied(through index: LogIndex) {
        // Progress that the state machine made before a snapshot replaced it may still arrive.
        guard index > applied else { return }
        precondition(index <= handedOut, "only entries that were handed out are applied")
        var next = applied.next
        while next <= index {
            if let place = position(of: next) { handedOutBytes -= entries[place].sizeInBytes }
            next = next.next
        }
        applied = index
        if applied == handedOut { handedOutBytes = 0 }
    }

    /// Forgets entries up to `index`, which a durable snapshot contains.
    mutating func compact(through index: LogIndex) {
        guard index > base.index else { return }
        precondition(index <= applied, "only applied entries are in a snapshot")
        guard let place = position(of: index) else { preconditionFailure("an applied entry is in the log") }
        let inForce = membership(at: index)
        base = LogPosition(index: index, term: entries[place].term)
        entries.removeFirst(place + 1)
        memberships.removeAll { $0.index <= index }
        memberships.insert(MembershipAt(index: index, membership: inForce), at: 0)
    }

    /// Begins the log anew after a snapshot that came from the leader.
    mutating func reset(to snapshot: SnapshotDescriptor) {
        precondition(snapshot.position.index > commit, "a snapshot only moves a log forward")
        base = snapshot.position
        entries = []
        writesInFlight = []
        handedOutBytes = 0
        durable = base.index
        commit = base.index
        handedOut = base.index
        applied = base.index
        memberships = [MembershipAt(index: base.index, membership: Self.restored(snapshot))]
    }

    private static func restored(_ snapshot: SnapshotDescriptor) -> Membership {
        #if AMAS_MUTANTS
            if Mutant.active == .snapshotRestoresOldMembership, snapshot.membership.isJoint {
                return Membership(voters: snapshot.membership.outgoing)
            }
        #endif
        return snapshot.membership
    }

    /// Bytes of the entries after `first` up to and including `last`.
    func bytes(after first: LogIndex, through last: LogIndex) -> Int {
        guard first < last, let start = position(of: first.next), let end = position(of: last) else { return 0 }
        return entries[start...end].reduce(0) { $0 + $1.sizeInBytes }
    }

    /// Entries in memory, for figures.
    var count: Int { entries.count }
}
