import Logging
import NIOCore
import Raft
import Synchronization
import WriteAheadLog

/// What reaches the thread on which Raft runs.
enum LoopEvent: Sendable {
    case frame(from: NodeID, FrameKind, [UInt8])
    case link(NodeID, LinkEvent)
    case persisted(WriteToken)
    case applied(LogIndex)
    case proposals([[UInt8]])
    case readsWaiting
    case snapshotSaved(SnapshotStore.Stored)
    case snapshotReceived(SnapshotStore.Stored, from: NodeID, leaderTerm: Term)
    case snapshotInstalled(SnapshotDescriptor, clusterTimeMicroseconds: UInt64)
    case snapshotSent(SnapshotSender.Stream, succeeded: Bool)
    case transferLeadership(to: NodeID?, CheckedContinuation<TransferOutcome, Never>)
    case changeMembership(MembershipChange, CheckedContinuation<MembershipAnswer, Never>)
    case halt(StateMachineHalt)
    /// Whether the log's disk has room.
    case space(LogTrouble?)
    /// Whether this thread keeps time.
    case ping(answer: @Sendable () -> Void)
}

/// The index of the entry with which a change of membership began, or why it did not.
typealias MembershipAnswer = Result<LogIndex, MembershipRejection>

/// What the loop needs of the rest of the server; all of it may be called from the loop's thread without blocking.
struct LoopPorts: Sendable {
    var send: @Sendable ([UInt8], FrameKind, NodeID) -> Void
    var write: @Sendable (LogWriter.Request) -> Void
    var apply: @Sendable ([Entry]) -> Void
    /// The nodes that the cluster knows by their folders, as far as the log is applied.
    var recognized: @Sendable () -> Set<NodeID>?
    var install: @Sendable (SnapshotStore.Stored) -> Void
    var startSnapshot: @Sendable (SnapshotSender.Stream, SnapshotStore.Stored, Term) -> Void
    var stopSnapshots: @Sendable () -> Void
    var snapshotReceipt: @Sendable (NodeID, SnapshotReceipt) -> Void
    var receiveChunk: @Sendable (NodeID, SnapshotChunk) -> Void
    /// The file that was received has its place, or is not wanted.
    var releaseReceiver: @Sendable () -> Void
    /// A frame of this size is no longer held for the peer.
    var release: @Sendable (NodeID, _ bytes: Int) -> Void
    /// Own proposals to submit again: all of them, or those without an outcome for too long.
    var unanswered: @Sendable (_ onlyOverdue: Bool) -> [[UInt8]]
    var proposalRefused: @Sendable (_ sequence: UInt64, RequestError) -> Void
    /// Fails what waits; what comes later may go on.
    var failAll: @Sendable (RequestError) -> Void
    /// Fails what waits, and all that comes later.
    var stopRequests: @Sendable (RequestError) -> Void
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
    let status: PublishedStatus

    let boot: BootID
    var raft: Raft
    var clock: ClusterClock
    /// The greatest cluster time in the log, stamped here or by any leader before.
    var greatestClusterTime: UInt64
    var storedSnapshot: SnapshotStore.Stored?
    var receivedSnapshot: SnapshotStore.Stored?
    /// The stream that counts for each member, and the number of the last one.
    var snapshotStreams: [NodeID: SnapshotSender.Stream] = [:]
    var lastSnapshotStream: UInt64 = 0
    var remoteReads: [UInt64: RemoteRead] = [:]
    var readTokens: UInt64 = 0
    var transferWaiters: [CheckedContinuation<TransferOutcome, Never>] = []
    /// Who asked for the change of membership that is being stepped.
    var membershipWaiter: CheckedContinuation<MembershipAnswer, Never>?
    var reachable: Set<NodeID> = []
    var majorityLostAt: MonotonicTime?
    var halted: StateMachineHalt?
    /// What the log's thread said last about room on its disk.
    var space: LogTrouble?
    /// Where the proposals of the current step came from, by token.
    var origins: [ProposalOrigin] = []
    /// Own proposals that are not yet on their way to the log, and those that other members have forwarded.
    var gathered: [[UInt8]] = []
    var forwarded: [ForwardedFrame] = []
    /// When they set out whatever the log does.
    var gatheringEnd: MonotonicTime?

    private let haltAtStart: StateMachineHalt?
    let origin: MonotonicTime
    private var nextHousekeeping: MonotonicTime
    var published = LastPublished()

    /// A read that this node, as the leader, answers for itself (nil) or for another.
    struct RemoteRead {
        var peer: NodeID?
        var number: UInt64
    }

    struct ProposalOrigin {
        /// Nil for this node's own.
        var peer: NodeID?
        var boot: BootID
        var sequence: UInt64
    }

    struct ForwardedFrame {
        var peer: NodeID
        var bytes: [UInt8]
        var proposals: [Range<Int>]
    }

    struct Start {
        var id: NodeID
        var boot: BootID
        var settings: RaftSettings
        var restored: Raft.Restored
        var storedSnapshot: SnapshotStore.Stored?
        var clusterTimeMicroseconds: UInt64
        /// Why this node takes no part from the start: it is in rescue mode.
        var halt: StateMachineHalt?
    }

    init(
        start: Start, mailbox: Mailbox<LoopEvent>, ports: LoopPorts, limits: ServerLimits, logger: Logger,
        reads: PendingReads, store: SnapshotStore, status: PublishedStatus
    ) {
        self.mailbox = mailbox
        self.ports = ports
        self.limits = limits
        self.logger = logger
        self.reads = reads
        self.store = store
        self.status = status
        boot = start.boot
        haltAtStart = start.halt
        origin = MonotonicTime.now
        nextHousekeeping = origin
        raft = Raft(id: start.id, settings: start.settings, restored: start.restored, now: .zero)
        storedSnapshot = start.storedSnapshot
        greatestClusterTime = start.restored.entries.reduce(start.clusterTimeMicroseconds) { time, entry in
            guard entry.kind == .command else { return time }
            return max(time, Envelope.clusterTimeMicroseconds(of: entry.data) ?? 0)
        }
        clock = ClusterClock(continuing: greatestClusterTime, now: origin, wallMicroseconds: wallTimeMicroseconds())
    }

    /// Runs until the mailbox is closed.
    func run() {
        if let haltAtStart { halt(haltAtStart) }
        publish(at: MonotonicTime.now)
        while let events = mailbox.take(until: nextMoment) {
            handle(events)
            if halted == nil { step(.tick) }
            let now = MonotonicTime.now
            let isHousekeepingDue = now >= nextHousekeeping
            if isHousekeepingDue {
                nextHousekeeping = now.adding(milliseconds: limits.housekeepingMilliseconds)
                housekeeping(now)
            }
            publishIfDue(at: now, isPaceReached: isHousekeepingDue)
        }
        answerTransfers(.timedOut)
    }

    /// A node that takes no part any more has no timers but its housekeeping.
    private var nextMoment: MonotonicTime {
        guard halted == nil else { return nextHousekeeping }
        return min(nextHousekeeping, moment(of: raft.nextDeadline), gatheringEnd ?? nextHousekeeping)
    }

    // MARK: Time

    var tick: Tick { Tick((MonotonicTime.now.microseconds - origin.microseconds) / 1000) }

    func moment(of tick: Tick) -> MonotonicTime {
        // A tick is reached once its millisecond has begun.
        MonotonicTime(microseconds: origin.microseconds + tick.rawValue * 1000)
    }

    // MARK: Events

    private func handle(_ events: [LoopEvent]) {
        var proposals: [[UInt8]] = []
        for event in events {
            guard halted == nil else {
                answerWhileHalted(event)
                continue
            }
            switch event {
            case .proposals(let some): proposals.append(contentsOf: some)
            case .frame(let peer, let kind, let bytes):
                receive(kind, bytes, from: peer)
                ports.release(peer, bytes.count)
            case .link(let peer, let change): linkChanged(peer, change)
            case .persisted(let token): step(.persisted(token))
            case .applied(let index):
                step(.applied(index))
                noteRecognition()
            case .readsWaiting: requestReads()
            case .snapshotSaved(let stored): snapshotSaved(stored)
            case .snapshotReceived(let stored, let peer, let term):
                snapshotReceived(stored, from: peer, leaderTerm: term)
            case .snapshotInstalled(let descriptor, let time):
                snapshotInstalled(descriptor, clusterTimeMicroseconds: time)
            case .snapshotSent(let stream, let succeeded): snapshotSent(stream, succeeded: succeeded)
            case .transferLeadership(let target, let answer):
                transferWaiters.append(answer)
                step(.transferLeadership(to: target))
            case .changeMembership(let change, let answer):
                membershipWaiter = answer
                step(.changeMembership(0, change))
                precondition(membershipWaiter == nil, "a change is accepted or rejected in the step that takes it")
            case .halt(let reason): halt(reason)
            case .space(let trouble): space = trouble
            case .ping(let answer): answer()
            }
        }
        guard halted == nil else { return }
        submit(proposals)
    }

    /// The cluster may have learned of a folder.
    func noteRecognition() {
        if raft.waitsForRecognition, let nodes = ports.recognized() { step(.recognized(nodes)) }
    }

    /// A node that takes no part leaves nobody waiting.
    private func answerWhileHalted(_ event: LoopEvent) {
        switch event {
        case .frame(let peer, _, let bytes): ports.release(peer, bytes.count)
        case .transferLeadership(_, let answer): answer.resume(returning: .noTarget)
        case .changeMembership(_, let answer): answer.resume(returning: .failure(.notLeader(leader: nil)))
        case .ping(let answer): answer()
        case .proposals, .readsWaiting: break  // They were failed as they were registered.
        case .link, .persisted, .applied, .snapshotSaved, .snapshotReceived, .snapshotInstalled, .snapshotSent, .halt,
            .space:
            break
        }
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
            guard refusal.boot == boot else { return }
            ports.proposalRefused(
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
            guard let receipt = SnapshotReceipt(decoding: bytes) else { return malformed(kind, peer) }
            ports.snapshotReceipt(peer, receipt)
        case .ephemeral: ports.ephemeral(peer, bytes)
        default: malformed(kind, peer)
        }
    }

    private func malformed(_ kind: FrameKind, _ peer: NodeID) {
        logger.warning(
            "a frame that cannot be read was dropped",
            metadata: ["peer": .stringConvertible(peer.rawValue), "kind": .stringConvertible(kind.rawValue)])
    }

    private func linkChanged(_ peer: NodeID, _ change: LinkEvent) {
        switch change {
        case .up:
            reachable.insert(peer)
            step(.linkUp(peer))
            if raft.standing.leader == peer { resubmit() }  // What was on its way may be lost.
        case .down(let cause):
            // Only a connection that stood can have closed: failed attempts to dial say nothing new.
            guard reachable.remove(peer) != nil else { return }
            switch cause {
            case .closed, .refused, .replaced: step(.linkDown(peer))
            case .timeout, .unreachable, .handshake, .violation, .removed: break  // The timers judge a silence.
            }
        }
    }

    /// A leader tells its successor first; if that is not possible at once, the others elect one when they no longer hear it.
    private func halt(_ reason: StateMachineHalt) {
        if raft.standing.role == .leader { step(.transferLeadership(to: nil)) }
        halted = reason
        logger.critical("this node stops taking part; its files are kept", metadata: ["reason": "\(reason.reason)"])
        ports.stopRequests(.stopped(reason: reason.reason))
        ports.stopSnapshots()
        answerTransfers(.timedOut)
        (gathered, forwarded, gatheringEnd) = ([], [], nil)
        ports.standingChanged(publicStanding)
    }

    func answerTransfers(_ outcome: TransferOutcome) {
        for waiter in transferWaiters { waiter.resume(returning: outcome) }
        transferWaiters = []
    }

    // MARK: Housekeeping

    private func housekeeping(_ now: MonotonicTime) {
        ports.expire()
        guard halted == nil else { return }
        if let damage = store.payloads.damage {
            return halt(StateMachineHalt(reason: "\(damage): this node must be replaced, not wiped"))
        }
        watchMajority(now)
        if raft.standing.leader != nil { forwardOrPropose(ports.unanswered(true)) }
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
}
