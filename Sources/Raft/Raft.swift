/// One member's part in the consensus, as a value: inputs in, effects out (Ongaro, "Consensus: Bridging Theory and
/// Practice", 2014). It holds no clock, no random source, no file and no socket; the same inputs give the same effects.
///
/// The caller gives every input with the current time, executes the effects in their order, and reports what they bring as
/// further inputs. It never needs to wait for one effect before the next step.
///
/// The files tell the story by subject: `Raft+Election`, `Raft+Suspicion`, `Raft+Replication`, `Raft+Leadership`,
/// `Raft+Read`, `Raft+Transfer`, `Raft+Snapshot`.
public struct Raft: Hashable, Sendable {
    public let id: NodeID
    public let settings: RaftSettings

    var now: Tick
    var hardState: HardState
    var log: EntryLog
    var role = Standing.Role.follower
    var leader: NodeID?
    var lastLeaderContact: Tick
    var electionDeadline: Tick
    var suspicion: Suspicion?
    /// The cluster may not know the node by this folder yet: see `Restored`.
    public private(set) var isNewcomer: Bool
    /// The nodes that the cluster knows by their folders, as far as the log is applied: see `Restored`.
    var recognized: Set<NodeID>?
    /// Election timeouts that this node still leaves to nodes of a higher priority.
    var timeoutsLeftToOthers: UInt64
    /// The campaign, while `role` is preCandidate or candidate.
    var ballot: Ballot?
    /// What only a leader holds, while `role` is leader.
    var leadership: Leadership?
    /// The snapshot that is being made the state; the log stands still meanwhile.
    var installing: SnapshotDescriptor?
    /// The newest durable snapshot of this node, to be sent to members that need compacted entries.
    var snapshot: SnapshotDescriptor
    var jitter: JitterSource

    private var lastToken = WriteToken.none
    private var durableToken = WriteToken.none
    private var waiting: [Promise] = []
    private var reported: Standing
    private var reportedMembership: Membership
    private var writtenHardState: HardState

    /// Messages dropped because no correct member sends them: more than zero means a bug or damage at a peer.
    public private(set) var refusedMessages: UInt64 = 0
    private var marks = CoverageMarks()

    // What the current step has brought so far. Empty between steps.
    private var effects: [Effect] = []
    private var messages: [Message] = []
    private var promises: [Message] = []
    private var truncatedFrom: LogIndex?
    private var appended: [Entry] = []

    /// A message that must not leave before the write it speaks of is durable.
    private struct Promise: Hashable {
        var token: WriteToken
        var message: Message
    }

    /// What a node finds on its disk when it starts.
    public struct Restored: Sendable {
        public var hardState: HardState
        /// The newest durable snapshot; its position is zero, and its membership the initial one, before the first.
        public var snapshot: SnapshotDescriptor
        /// The last entry before `entries`; not after the snapshot's.
        public var base: LogPosition
        public var entries: [Entry]
        /// The folder was made for a cluster that there is already, and nothing in it says that the cluster knows the node by it:
        /// the configurations in its log may count on a folder before it. See ``Input/recognized(_:)``.
        public var isNewcomer: Bool
        /// The nodes that the cluster knows by their folders; nil if the caller does not follow folders: then it knows them all.
        public var recognized: Set<NodeID>?

        public init(
            hardState: HardState, snapshot: SnapshotDescriptor, base: LogPosition, entries: [Entry],
            isNewcomer: Bool = false, recognized: Set<NodeID>? = nil
        ) {
            self.hardState = hardState
            self.snapshot = snapshot
            self.base = base
            self.entries = entries
            self.isNewcomer = isNewcomer
            self.recognized = recognized
        }
    }

    public init(id: NodeID, settings: RaftSettings, restored: Restored, now: Tick) {
        precondition(
            settings.heartbeatMilliseconds * 2 <= settings.electionMilliseconds, "one lost heartbeat is no election")
        precondition(settings.priority <= RaftSettings.highestPriority, "configuration checks the priority")
        precondition(
            restored.entries.last.map { $0.term <= restored.hardState.term } ?? true, "the term is written first")
        self.id = id
        self.settings = settings
        self.now = now
        hardState = restored.hardState
        writtenHardState = restored.hardState
        snapshot = restored.snapshot
        log = EntryLog(snapshot: restored.snapshot, entriesFrom: restored.base, entries: restored.entries)
        isNewcomer = restored.isNewcomer
        recognized = restored.recognized
        lastLeaderContact = now
        electionDeadline = now
        timeoutsLeftToOthers = RaftSettings.highestPriority - settings.priority
        jitter = JitterSource(seed: settings.seed)
        reported = Standing(role: .follower, term: restored.hardState.term, leader: nil)
        reportedMembership = log.membership
        resetElectionDeadline()
        if log.membership.isJoint { mark(.startedInJoint) }
    }

    // MARK: The one entrance

    /// Takes one input and returns what is to be done. Time never goes back.
    public mutating func step(_ input: Input, at now: Tick) -> [Effect] {
        precondition(now >= self.now, "the clock is monotonic")
        precondition(effects.isEmpty && messages.isEmpty && promises.isEmpty, "a step leaves nothing behind")
        self.now = now
        switch input {
        case .tick: tick()
        case .message(let message): receiveFromPeer(message)
        case .persisted(let token): persisted(token)
        case .propose(let proposals): propose(proposals)
        case .read(let token): read(token)
        case .applied(let index): log.applied(through: index)
        case .recognized(let nodes):
            recognized = nodes
            if nodes.contains(id) { isNewcomer = false }
            promoteWhoHasCaughtUp()
        case .linkUp(let peer): linkUp(peer)
        case .linkDown(let peer): linkDown(peer)
        case .transferLeadership(let target): transferLeadership(to: target)
        case .changeMembership(let token, let change): changeMembership(token, change)
        case .snapshotSaved(let descriptor, let compactThrough):
            snapshotSaved(descriptor, compactThrough: compactThrough)
        case .snapshotInstalled(let descriptor): snapshotInstalled(descriptor)
        case .snapshotSent(let peer, let succeeded): snapshotSent(to: peer, succeeded: succeeded)
        }
        return finishStep()
    }

    /// When the next `tick` is due.
    public var nextDeadline: Tick {
        switch role {
        case .follower, .preCandidate, .candidate: return electionDeadline
        case .leader: return leadership?.nextDeadline ?? now
        }
    }

    /// Whether there is a use for ``Input/recognized(_:)``.
    public var waitsForRecognition: Bool { isNewcomer || role == .leader && !log.membership.joining.isEmpty }

    private mutating func tick() {
        switch role {
        case .follower, .preCandidate, .candidate: tickElection()
        case .leader: tickLeadership()
        }
    }

    // MARK: Gathering effects

    mutating func emit(_ effect: Effect) {
        effects.append(effect)
    }

    /// Sends at once: for what promises nothing that a crash could take back.
    mutating func send(_ body: Message.Body, to peer: NodeID) {
        precondition(peer != id, "a node does not talk to itself over the network")
        messages.append(Message(from: id, to: peer, term: hardState.term, body: body))
    }

    /// Sends once everything written so far, this step included, is durable. To oneself, it is received then.
    mutating func sendOnceDurable(_ body: Message.Body, to peer: NodeID) {
        #if AMAS_MUTANTS
            if Mutant.active == .answersBeforeSync, peer != id { return send(body, to: peer) }
        #endif
        promises.append(Message(from: id, to: peer, term: hardState.term, body: body))
    }

    mutating func append(_ entry: Entry) {
        log.append(entry)
        appended.append(entry)
    }

    mutating func truncate(from index: LogIndex) {
        precondition(appended.isEmpty, "a step truncates before it appends")
        mark(log.durable >= index ? .durableEntriesTruncated : .unwrittenEntriesTruncated)
        if log.membershipIndex >= index { mark(.configurationTruncated) }
        log.truncate(from: index)
        truncatedFrom = min(truncatedFrom ?? index, index)
    }

    private mutating func persisted(_ token: WriteToken) {
        precondition(token <= lastToken, "only what was written becomes durable")
        durableToken = max(durableToken, token)
        log.writeCompleted(token)
        var kept = 0
        while kept < waiting.count, waiting[kept].token <= token { kept += 1 }
        let released = waiting[..<kept]
        waiting.removeFirst(kept)
        for promise in released {
            guard isStillMeant(promise.message) else {
                mark(.promiseVoid)
                continue
            }
            if promise.message.to == id { receive(promise.message) } else { messages.append(promise.message) }
        }
    }

    /// A promise of an earlier term is void: the node has moved on, and the answer would be of no use. So is a request of a
    /// campaign that is over: the log of which it boasts may have been cut since.
    private func isStillMeant(_ message: Message) -> Bool {
        guard message.term == hardState.term else { return false }
        if case .voteRequest = message.body { return role == .candidate }
        return true
    }

    private mutating func finishStep() -> [Effect] {
        advanceCommit()
        var result: [Effect] = []
        if truncatedFrom != nil || !appended.isEmpty || hardState != writtenHardState {
            lastToken = lastToken.next
            result.append(
                .persist(
                    Write(
                        token: lastToken, truncateFrom: truncatedFrom,
                        hardState: hardState == writtenHardState ? nil : hardState, entries: appended)))
            log.writeStarted(lastToken, at: now)
            writtenHardState = hardState
            truncatedFrom = nil
            appended = []
        }
        for message in promises {
            if lastToken > durableToken {
                // A leader repeats what is not answered: while the disk stands still, its repetitions must not pile up.
                let promise = Promise(token: lastToken, message: message)
                if waiting.last != promise { waiting.append(promise) }
            } else {
                precondition(message.to != id, "a node's message to itself follows a write of its own")
                messages.append(message)
            }
        }
        promises = []
        for message in messages { result.append(.send(message)) }
        messages = []
        result.append(contentsOf: effects)
        effects = []
        // A snapshot on its way to the state machine holds what comes next, and would meet it there a second time.
        #if AMAS_MUTANTS
            let isHandingOut = installing == nil || Mutant.active == .appliesBehindSnapshot
        #else
            let isHandingOut = installing == nil
        #endif
        if isHandingOut {
            let applicable = log.takeApplicable(
                maximumEntries: settings.maximumApplyEntries, maximumBytes: settings.maximumApplyBytes)
            if !applicable.isEmpty { result.append(.apply(applicable)) }
        }
        if log.membership != reportedMembership {
            reportedMembership = log.membership
            result.append(.membershipChanged(log.membership))
        }
        if standing != reported {
            reported = standing
            result.append(.roleChanged(standing))
        }
        return result
    }

    // MARK: Messages

    private mutating func receiveFromPeer(_ message: Message) {
        guard message.to == id, message.from != id else { return refuse() }
        receive(message)
    }

    private mutating func refuse() {
        refusedMessages += 1
    }

    /// A message from a peer, or a node's own vote once it is durable.
    private mutating func receive(_ message: Message) {
        precondition(message.to == id, "checked at the entrance")
        if message.term > hardState.term {
            guard acceptsNewerTerm(of: message) else { return mark(.voteRefusedWhileLeaderIsHeard) }
            switch message.body {
            case .preVoteRequest, .preVoteResponse(granted: true, candidacy: _):
                break  // A question about a term, or the answer to one, does not begin it.
            case .appendEntries, .heartbeat, .installSnapshot:
                becomeFollower(term: message.term, leader: message.from)
            case .preVoteResponse, .voteRequest, .voteResponse, .appendAccepted, .appendRejected, .heartbeatResponse,
                .timeoutNow, .staleTerm:
                becomeFollower(term: message.term, leader: nil)
            }
        } else if message.term < hardState.term {
            answerOlderTerm(message)
            return
        }
        guard isPlausible(message) else { return refuse() }
        switch message.body {
        case .preVoteRequest(let lastLog): answerPreVote(from: message.from, term: message.term, lastLog: lastLog)
        case .preVoteResponse(let granted, let candidacy):
            countPreVote(from: message.from, granted: granted, candidacy: candidacy)
        case .voteRequest(let lastLog, _): answerVote(from: message.from, lastLog: lastLog)
        case .voteResponse(let granted): countVote(from: message.from, granted: granted)
        case .appendEntries(let append): receiveAppend(append, from: message.from)
        case .appendAccepted(let match): receiveAccepted(match, from: message.from)
        case .appendRejected(let rejected, let hint): receiveRejected(rejected, hint: hint, from: message.from)
        case .heartbeat(let commit, let round): receiveHeartbeat(commit: commit, round: round, from: message.from)
        case .heartbeatResponse(let round): receiveHeartbeatResponse(round: round, from: message.from)
        case .installSnapshot(let descriptor): receiveSnapshot(descriptor, from: message.from)
        case .timeoutNow: receiveTimeoutNow(from: message.from)
        case .staleTerm: break  // It has done its work above.
        }
    }

    /// Messages of an older term change nothing, but their sender may be stuck behind this node's newer term (P15).
    private mutating func answerOlderTerm(_ message: Message) {
        switch message.body {
        case .appendEntries, .heartbeat, .installSnapshot:
            #if AMAS_MUTANTS
                if Mutant.active == .rejectsWithoutNewerTerm { return }
            #endif
            mark(.formerLeaderTold)
            send(.staleTerm, to: message.from)
        case .preVoteRequest: send(.preVoteResponse(granted: false, candidacy: message.term.next), to: message.from)
        case .voteRequest: send(.voteResponse(granted: false), to: message.from)
        case .preVoteResponse(let granted, let candidacy):
            // The voter's term may lie behind the candidate's, as long as it lies before the one asked about.
            countPreVote(from: message.from, granted: granted, candidacy: candidacy)
        case .voteResponse, .appendAccepted, .appendRejected, .heartbeatResponse, .timeoutNow, .staleTerm: break
        }
    }

    // MARK: What others may know

    mutating func mark(_ mark: CoverageMark) { marks.insert(mark) }

    /// The rare branches taken since the last call, for those who judge how much a test has tried.
    public mutating func takeMarks() -> CoverageMarks {
        defer { marks = CoverageMarks() }
        return marks
    }

    /// The time of the last step.
    public var clock: Tick { now }
    public var standing: Standing { Standing(role: role, term: hardState.term, leader: leader) }
    /// When this node last heard the leader; its own time if it leads, which it only does while a quorum answers. Nil without one.
    public var lastContactWithLeader: Tick? { role == .leader ? now : leader == nil ? nil : lastLeaderContact }
    public var membership: Membership { log.membership }
    public var lastLog: LogPosition { log.last }
    public var firstIndex: LogIndex { log.base.index.next }
    /// The lowest index from which on the entries up to `end` have at most so many bytes together.
    public func start(of end: LogIndex, maximumBytes: Int) -> LogIndex {
        log.start(of: end, maximumBytes: maximumBytes)
    }
    public var commitIndex: LogIndex { log.commit }
    public var durableIndex: LogIndex { log.durable }
    public var appliedIndex: LogIndex { log.applied }
    /// When the oldest write that is not yet durable was handed to the disk.
    public var oldestWriteSince: Tick? { log.oldestWriteSince }
    /// Bytes that this leader has appended and not yet committed, at most `RaftSettings.maximumUncommittedBytes`.
    public var uncommittedBytes: Int { leadership?.uncommittedBytes ?? 0 }
    public var latestSnapshot: SnapshotDescriptor { snapshot }
    /// The snapshot that is to become the state; nothing is appended meanwhile.
    public var installingSnapshot: SnapshotDescriptor? { installing }
    /// The membership once everything up to `index` was appended; for the descriptor of a snapshot taken there.
    public func membership(at index: LogIndex) -> Membership { log.membership(at: index) }
    /// The term of an entry that is still in the log.
    public func term(at index: LogIndex) -> Term? { log.term(at: index) }

    /// A leader's view of every other member, ascending by id; empty on the others.
    public var peers: [PeerStatus] {
        (leadership?.peers ?? []).map {
            PeerStatus(id: $0.id, match: $0.match, next: $0.next, lastContact: $0.lastContact)
        }
    }

    public struct PeerStatus: Hashable, Sendable {
        public var id: NodeID
        public var match: LogIndex
        public var next: LogIndex
        /// When the leader last heard of the member.
        public var lastContact: Tick
    }
}
