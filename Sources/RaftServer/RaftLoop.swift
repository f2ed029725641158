import Logging
import NIOCore
import Raft
import Synchronization

/// What reaches the thread on which Raft runs.
enum LoopEvent: Sendable {
    case frame(from: NodeID, FrameKind, [UInt8])
    case link(NodeID, LinkEvent)
    case persisted(WriteToken)
    case applied(LogIndex)
    case proposals([[UInt8]])
    case readsWaiting
    case snapshotSaved(SnapshotStore.Stored)
    case snapshotInstalled(SnapshotDescriptor)
    case snapshotSent(to: NodeID, succeeded: Bool)
    case transferLeadership(to: NodeID?, CheckedContinuation<TransferOutcome, Never>)
    case halt(StateMachineHalt)
}

/// What the loop needs of the rest of the server; all of it may be called from the loop's thread without blocking.
struct LoopPorts: Sendable {
    var send: @Sendable ([UInt8], FrameKind, NodeID) -> Void
    var write: @Sendable (LogWriter.Request) -> Void
    var apply: @Sendable ([Entry]) -> Void
    var install: @Sendable (SnapshotStore.Stored) -> Void
    var startSnapshot: @Sendable (NodeID, SnapshotStore.Stored, Term) -> Void
    var snapshotReceipt: @Sendable (NodeID, Int) -> Void
    /// Own proposals to submit again: all of them, or those without an outcome for this many milliseconds.
    var unanswered: @Sendable (_ idleMilliseconds: UInt64) -> [[UInt8]]
    var proposalFailed: @Sendable (_ sequence: UInt64, RequestError) -> Void
    var failAll: @Sendable (RequestError) -> Void
    var expire: @Sendable () -> Void
    var ephemeral: @Sendable (NodeID, [UInt8]) -> Void
    var standingChanged: @Sendable (Standing) -> Void
    var failed: @Sendable (String) -> Never
}

/// Runs Raft: takes events, steps the value, executes its effects. It decides nothing itself.
///
/// Owned by one thread; the mailbox is the only way in.
final class RaftLoop {
    let mailbox: Mailbox<LoopEvent>
    let ports: LoopPorts
    let limits: ServerLimits
    let logger: Logger
    let reads: PendingReads
    let store: SnapshotStore
    let published: PublishedStatus

    var raft: Raft
    var clock: ClusterClock
    /// The greatest cluster time in the log, stamped here or by any leader before.
    var greatestClusterTime: UInt64
    var receiver: SnapshotReceiver
    var storedSnapshot: SnapshotStore.Stored?
    var receivedSnapshot: SnapshotStore.Stored?
    var remoteReads: [UInt64: RemoteRead] = [:]
    var readTokens: UInt64 = 0
    var transferWaiters: [CheckedContinuation<TransferOutcome, Never>] = []
    var reachable: Set<NodeID> = []
    var majorityLostAt: MonotonicTime?
    var halted: StateMachineHalt?
    /// Where the proposals of the current step came from, by token.
    var origins: [ProposalOrigin] = []

    private let origin: MonotonicTime
    private var nextHousekeeping: MonotonicTime

    /// A read that this node, as the leader, answers for itself (nil) or for another.
    struct RemoteRead {
        var peer: NodeID?
        var number: UInt64
    }

    struct ProposalOrigin {
        /// Nil for this node's own.
        var peer: NodeID?
        var sequence: UInt64
    }

    struct Start {
        var id: NodeID
        var settings: RaftSettings
        var restored: Raft.Restored
        var storedSnapshot: SnapshotStore.Stored?
        var clusterTimeMicroseconds: UInt64
    }

    init(
        start: Start, mailbox: Mailbox<LoopEvent>, ports: LoopPorts, limits: ServerLimits, logger: Logger,
        reads: PendingReads, store: SnapshotStore, published: PublishedStatus
    ) {
        self.mailbox = mailbox
        self.ports = ports
        self.limits = limits
        self.logger = logger
        self.reads = reads
        self.store = store
        self.published = published
        origin = MonotonicTime.now
        nextHousekeeping = origin
        raft = Raft(id: start.id, settings: start.settings, restored: start.restored, now: .zero)
        storedSnapshot = start.storedSnapshot
        receiver = SnapshotReceiver(store: store)
        greatestClusterTime = start.restored.entries.reduce(start.clusterTimeMicroseconds) { time, entry in
            guard entry.kind == .command else { return time }
            return max(time, Envelope.clusterTimeMicroseconds(of: entry.data) ?? 0)
        }
        clock = ClusterClock(continuing: greatestClusterTime, now: origin, wallMicroseconds: wallTimeMicroseconds())
    }

    /// Runs until the mailbox is closed.
    func run() {
        publish()
        while let events = mailbox.take(until: nextMoment) {
            handle(events)
            if halted == nil { step(.tick) }
            let now = MonotonicTime.now
            if now >= nextHousekeeping {
                nextHousekeeping = now.adding(milliseconds: limits.housekeepingMilliseconds)
                housekeeping(now)
            }
            publish()
        }
        for waiter in transferWaiters { waiter.resume(returning: .timedOut) }
    }

    // MARK: Time

    var tick: Tick { Tick((MonotonicTime.now.microseconds - origin.microseconds) / 1000) }

    /// A halted Raft is not stepped, so its deadlines stay in the past: they must not keep the thread awake.
    private var nextMoment: MonotonicTime {
        halted == nil ? min(nextHousekeeping, moment(of: raft.nextDeadline)) : nextHousekeeping
    }

    private func moment(of tick: Tick) -> MonotonicTime {
        // A tick is reached once its millisecond has begun.
        MonotonicTime(microseconds: origin.microseconds + tick.rawValue * 1000)
    }

    // MARK: Events

    private func handle(_ events: [LoopEvent]) {
        var proposals: [[UInt8]] = []
        for event in events {
            // Whoever waits for an answer gets one; the rest of the world has to do without this node.
            if halted != nil {
                if case .transferLeadership(_, let answer) = event { answer.resume(returning: .timedOut) }
                continue
            }
            switch event {
            case .proposals(let some): proposals.append(contentsOf: some)
            case .frame(let peer, let kind, let bytes): receive(kind, bytes, from: peer)
            case .link(let peer, let change): linkChanged(peer, change)
            case .persisted(let token): step(.persisted(token))
            case .applied(let index): step(.applied(index))
            case .readsWaiting: requestReads()
            case .snapshotSaved(let stored): snapshotSaved(stored)
            case .snapshotInstalled(let descriptor):
                storedSnapshot = receivedSnapshot
                receivedSnapshot = nil
                step(.snapshotInstalled(descriptor))
            case .snapshotSent(let peer, let succeeded): step(.snapshotSent(to: peer, succeeded: succeeded))
            case .transferLeadership(let target, let answer):
                transferWaiters.append(answer)
                step(.transferLeadership(to: target))
            case .halt(let reason): halt(reason)
            }
        }
        // Whatever came together is appended, written and sent together.
        if halted == nil, !proposals.isEmpty { submit(proposals) }
    }

    func receive(_ kind: FrameKind, _ bytes: [UInt8], from peer: NodeID) {
        switch kind {
        case .raft:
            guard let message = try? Message(decoding: bytes[...]), message.from == peer, message.to == raft.id else {
                return malformed(kind, peer)
            }
            step(.message(message))
        case .proposals: receiveForwarded(bytes, from: peer)
        case .proposalRefused:
            guard let refusal = ProposalRefusal(decoding: bytes) else { return malformed(kind, peer) }
            ports.proposalFailed(
                refusal.sequence,
                refusal.limitBytes == 0 ? .overloaded : .tooLarge(limitBytes: Int(clamping: refusal.limitBytes)))
        case .readRequest:
            guard let frame = ReadFrame(decoding: bytes) else { return malformed(kind, peer) }
            startRead(RemoteRead(peer: peer, number: frame.number))
        case .readAnswer:
            guard let frame = ReadFrame(decoding: bytes) else { return malformed(kind, peer) }
            if frame.index == .zero { reads.refused(frame.number) } else { reads.answer(frame.number, frame.index) }
        case .snapshotChunk: receiveSnapshotChunk(bytes, from: peer)
        case .snapshotReceipt:
            guard bytes.count == 8 else { return malformed(kind, peer) }
            ports.snapshotReceipt(peer, Int(clamping: bytes[...].littleEndian(at: 0) as UInt64))
        case .ephemeral: ports.ephemeral(peer, bytes)
        default: malformed(kind, peer)
        }
    }

    private func malformed(_ kind: FrameKind, _ peer: NodeID) {
        logger.warning("a frame that cannot be read was dropped", metadata: ["peer": "\(peer)", "kind": "\(kind.rawValue)"])
    }

    private func linkChanged(_ peer: NodeID, _ change: LinkEvent) {
        switch change {
        case .up:
            reachable.insert(peer)
            step(.linkUp(peer))
            if raft.standing.leader == peer { resubmit() }
        case .down(let cause):
            // Only a connection that stood can have closed: failed attempts to dial say nothing new.
            guard reachable.remove(peer) != nil else { return }
            switch cause {
            case .closed, .refused, .replaced: step(.linkDown(peer))
            case .timeout, .unreachable, .handshake, .violation, .removed: break  // The timers judge a silence.
            }
        }
    }

    private func halt(_ reason: StateMachineHalt) {
        halted = reason
        logger.critical("this node stops taking part; its files are kept", metadata: ["reason": "\(reason.reason)"])
        ports.failAll(.stopped(reason: reason.reason))
        for waiter in transferWaiters { waiter.resume(returning: .timedOut) }
        transferWaiters = []
    }

    // MARK: Housekeeping

    private func housekeeping(_ now: MonotonicTime) {
        ports.expire()
        guard halted == nil else { return }
        watchMajority(now)
        forwardOrPropose(ports.unanswered(limits.resubmitAfterMilliseconds))
        requestReads()
    }

    /// Requests are held only while there is hope: once links to a majority have been down for a while they fail at once.
    private func watchMajority(_ now: MonotonicTime) {
        let connected = raft.membership.isQuorum { $0 == raft.id || reachable.contains($0) }
        // A member that serves without a vote needs a way to the voters, not to be one of them.
        guard !connected else {
            majorityLostAt = nil
            return
        }
        let lostAt = majorityLostAt ?? now
        majorityLostAt = lostAt
        if lostAt.adding(milliseconds: limits.noQuorumAfterMilliseconds) <= now { ports.failAll(.noQuorum) }
    }

    var hasLostMajority: Bool {
        guard let majorityLostAt else { return false }
        return majorityLostAt.adding(milliseconds: limits.noQuorumAfterMilliseconds) <= MonotonicTime.now
    }

    private func publish() {
        published.update(
            ServerStatus(
                id: raft.id, standing: raft.standing, membership: raft.membership, lastIndex: raft.lastLog.index,
                firstIndex: raft.firstIndex, commitIndex: raft.commitIndex, durableIndex: raft.durableIndex,
                appliedIndex: raft.appliedIndex, snapshotIndex: raft.latestSnapshot.position.index,
                peers: raft.peers.map {
                    ServerStatus.Peer(
                        id: $0.id, match: $0.match, isReachable: reachable.contains($0.id),
                        millisecondsSinceContact: tick.since($0.lastContact))
                },
                millisecondsSinceLeaderContact: raft.lastContactWithLeader.map { tick.since($0) },
                clusterTimeMicroseconds: raft.standing.role == .leader
                    ? clock.read(now: MonotonicTime.now, wallMicroseconds: wallTimeMicroseconds()) : 0,
                hasLostMajority: hasLostMajority, halted: halted, refusedMessages: raft.refusedMessages))
    }
}
