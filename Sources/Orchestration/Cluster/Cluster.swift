public import ClusterState
public import Logging
public import Raft
public import RaftServer
import SwiftProtobuf
import Synchronization

/// The cluster as the rooms above see it: one state to read, one way to propose, whoever leads.
///
/// Made by `open`, which blocks on the disk; then `start`, and at the end `stop`. Everything else may be called from anywhere.
/// `Cluster+Requests` proposes and reads, `Cluster+Duties` is what a node does for the cluster by itself.
public final class Cluster: Sendable {
    public let configuration: ClusterConfiguration
    let server: RaftServer<ClusterMachine>
    let machine: ClusterMachine
    let watch: StandingWatch
    let waiters: TaskWaiters
    let sessionGate: SessionGate
    let pace = DutyPace()
    let contact = LeaderContact()
    let hashes = Mutex(HashExchange())
    let reports = MemberReports()
    let refusals: Refusals
    let addresses: AddressBook
    let reconciliation = Reconciliation()
    let hooks: Hooks
    let logger: Logger
    private let observers: Observers
    private let bus: EphemeralBus
    private let condition = Mutex(Condition())

    private struct Condition {
        var isDraining = false
        var isToldToLeave = false
        var isWithdrawn = false
        var duties: [Task<Void, Never>] = []
    }

    /// What the process must do, or wants to know, that is not the cluster's own business.
    public struct Hooks: Sendable {
        /// The disk has failed; must end the process.
        public var failed: @Sendable (String) -> Never
        /// This node can never take part with the data folder that it has; the process should end. May be called again.
        public var excluded: @Sendable (_ reason: String) -> Void
        /// This node shall be a member no more: its clients and tasks should go, and then it should `withdraw`. Called once.
        public var leaving: @Sendable () -> Void
        public var standingChanged: @Sendable (Standing) -> Void
        public var snapshot: @Sendable (SnapshotOperation, _ succeeded: Bool) -> Void
        public var logSynced: @Sendable (_ microseconds: UInt64) -> Void
        public var applied: @Sendable (LogIndex, _ microseconds: UInt64) -> Void
        public var answered: @Sendable (RequestKind, _ microseconds: UInt64, RequestError?) -> Void

        public init(
            failed: @escaping @Sendable (String) -> Never, excluded: @escaping @Sendable (String) -> Void = { _ in },
            leaving: @escaping @Sendable () -> Void = {},
            standingChanged: @escaping @Sendable (Standing) -> Void = { _ in },
            snapshot: @escaping @Sendable (SnapshotOperation, Bool) -> Void = { _, _ in },
            logSynced: @escaping @Sendable (UInt64) -> Void = { _ in },
            applied: @escaping @Sendable (LogIndex, UInt64) -> Void = { _, _ in },
            answered: @escaping @Sendable (RequestKind, UInt64, RequestError?) -> Void = { _, _, _ in }
        ) {
            self.failed = failed
            self.excluded = excluded
            self.leaving = leaving
            self.standingChanged = standingChanged
            self.snapshot = snapshot
            self.logSynced = logSynced
            self.applied = applied
            self.answered = answered
        }
    }

    /// Recovers the node from its folder. Blocks.
    public convenience init(
        _ configuration: ClusterConfiguration, hooks: Hooks, logger: Logger
    ) throws(ServerStartError) {
        try self.init(
            configuration, hooks: hooks, logger: logger,
            initial: ClusterState(supporting: configuration.server.machineVersionMax))
    }

    /// - Parameter initial: the state before the first entry: the same on every node, or they will differ.
    init(
        _ configuration: ClusterConfiguration, hooks: Hooks, logger: Logger, initial: ClusterState
    ) throws(ServerStartError) {
        self.configuration = configuration
        self.logger = logger
        let observers = Observers()
        let machine = ClusterMachine(observers: observers, initial: initial)
        let (bus, watch, waiters) = (EphemeralBus(), StandingWatch(), TaskWaiters())
        (self.observers, self.machine, self.bus, self.watch, self.waiters) = (observers, machine, bus, watch, waiters)
        let refusals = Refusals()
        addresses = AddressBook(configured: configuration.server.peers)
        (self.refusals, self.hooks) = (refusals, hooks)
        server = try RaftServer.open(
            configuration.server, machine: machine,
            callbacks: RaftServerCallbacks(
                isKnown: { peer in
                    let isConfigured = configuration.server.peers[peer.node] != nil
                    return PeerTransport.Verdict(machine.verdict(on: peer, isConfigured: isConfigured))
                },
                standingChanged: {
                    watch.changed($0)
                    hooks.standingChanged($0)
                },
                linkChanged: {
                    watch.linkChanged($0, $1)
                    refusals.linkChanged($0, $1)
                },
                ephemeral: { bus.received($1, from: $0) },
                logSynced: hooks.logSynced, applied: hooks.applied, answered: hooks.answered,
                snapshot: hooks.snapshot, failed: hooks.failed),
            logger: logger)
        sessionGate = SessionGate(limits: configuration.server.limits)
        let session = Envelope.Session(node: server.identity.node, boot: server.identity.boot)
        _ = observers.add { waiters.notify($0) }
        _ = observers.add { [sessionGate] in sessionGate.observe($0.state, session) }
        _ = observers.add { Self.reportRefusals(in: $0, logger) }
    }

    /// Nobody waits for the outcome of a command outside a session: a refusal would otherwise go unseen.
    private static func reportRefusals(in batch: AppliedBatch, _ logger: Logger) {
        for applied in batch.applied where applied.session == nil {
            switch applied.outcome {
            case .done, .task, .replayed, .rejected(.stale), .rejected(.clusterExists): continue
            case .rejected(let reason):
                logger.warning(
                    "a command was refused",
                    metadata: ["index": .stringConvertible(applied.index.rawValue), "reason": "\(reason)"])
            }
        }
    }

    // MARK: Life

    /// Opens the links and takes up the duties of a member. Returns at once; `status` tells when the node is ready.
    /// - Returns: where the other members reach this node.
    @discardableResult
    public func start() async throws(ServerStartError) -> PeerAddress {
        bus.subscribe(.stateHash) { [weak self] node, bytes in self?.receiveHashReport(bytes, from: node) }
        bus.subscribe(.members) { [weak self] node, bytes in self?.receiveMemberReport(bytes, from: node) }
        bus.subscribe(.transferLeadership) { [weak self] node, bytes in self?.receiveTransferRequest(bytes, from: node)
        }
        let address = try await server.start()
        let duties = [
            Task { [weak self] in await Self.repeatedly({ $0.dutyMilliseconds }, self) { $0.performDuties() } },
            Task { [weak self] in await Self.repeatedly({ $0.hashReportMilliseconds }, self) { $0.reportHash() } },
        ]
        condition.withLock { $0.duties = duties }
        return address
    }

    private static func repeatedly(
        _ interval: (ClusterLimits) -> UInt64, _ cluster: Cluster?, _ duty: (Cluster) -> Void
    ) async {
        guard let cluster else { return }
        let pause = Duration.milliseconds(interval(cluster.configuration.limits))
        while !Task.isCancelled {
            duty(cluster)
            try? await Task.sleep(for: pause)
        }
    }

    /// Takes no new tasks from now on; what runs goes on. `status` says so, and why the node is not ready.
    public func drain() {
        condition.withLock { $0.isDraining = true }
        performDuties()
    }

    /// Says goodbye, and takes part in the consensus alone from now on: until the others have changed their configuration, they
    /// may need this node's vote. What waits fails.
    public func withdraw() {
        condition.withLock {
            $0.isDraining = true
            $0.isWithdrawn = true
        }
        sessionGate.shut(.stopped(reason: "the node was removed"))
        performDuties()
    }

    /// Says goodbye, so that what is still assigned here moves at once; hands over leadership if it is held; then closes
    /// everything. What waits fails.
    public func stop() async {
        let duties = condition.withLock { condition in
            condition.isDraining = true
            return condition.duties
        }
        for duty in duties { duty.cancel() }
        for duty in duties { await duty.value }
        sessionGate.shut(.stopped(reason: "the node is stopping"))
        await leave()
        await server.stop()
    }

    // MARK: What is known

    public var identity: ServerIdentity { server.identity }
    /// The state after the last batch applied here: an immutable value, cheap to take.
    public var state: ClusterState { machine.state }
    /// Whether the log has opened the session of this run of the node: it did so behind everything that was accepted before, so the
    /// state is no older than the start. Before that it is whatever part of the log has been applied so far, and not to be shown.
    public var hasRecovered: Bool { hasRecovered(machine.state) }
    func hasRecovered(_ state: ClusterState) -> Bool {
        state.sessionFloor(of: Envelope.Session(node: identity.node, boot: identity.boot)) != nil
    }
    public var isDraining: Bool { condition.withLock { $0.isDraining } }
    var isWithdrawn: Bool { condition.withLock { $0.isWithdrawn } }

    func tellToLeave() {
        let isFirst = condition.withLock { condition in
            defer { condition.isToldToLeave = true }
            return !condition.isToldToLeave
        }
        if isFirst { hooks.leaving() }
    }
    /// This node's standing, then every change of it.
    public var standings: AsyncStream<Standing> { watch.changes() }
    public var outstandingProposals: Int { server.outstandingProposals }
    public var outstandingProposalBytes: Int { server.outstandingProposalBytes }
    /// Proposals and linearizable reads of this node without an answer.
    public var outstandingRequests: Int { server.outstandingProposals + server.outstandingReads }
    /// Why this node was taken out of the cluster's work: then it serves, executes and projects nothing. Nil while it takes part.
    public var halted: StateMachineHalt? { server.status?.halted }

    /// No word from a leader for so long that this node may have been replaced: nothing is begun here, and what runs is stopped
    /// (`design/state.md` 16).
    public var isFenced: Bool {
        guard let status = server.status, status.halted == nil else { return true }
        contact.observe(status)
        guard let silence = contact.silence() else { return true }
        return silence >= .milliseconds(configuration.limits.detectionMilliseconds)
    }

    /// The highest index at which a quorum is known to have the same state. Grows on every node; a projector goes no further.
    public var confirmedIndex: LogIndex {
        guard let status = server.status else { return .zero }
        let applied = state.index
        return hashes.withLock { $0.confirmed(own: identity.node, applied: applied, voters: status.membership) }
    }

    /// Calls `handler` with every batch from now on, in log order, on the thread that applies: it must not wait.
    public func observe(_ handler: @escaping @Sendable (AppliedBatch) -> Void) -> ObserverToken {
        observers.add(handler)
    }
    public func remove(_ token: ObserverToken) { observers.remove(token) }

    /// Sends bytes to every reachable member and to the subscribers here, without a promise of arrival.
    public func broadcast(_ topic: EphemeralTopic, _ bytes: [UInt8]) {
        let frame = EphemeralBus.frame(topic, bytes)
        for node in addresses.current.keys where node != identity.node {
            server.sendEphemeral(frame, to: node)
        }
        bus.deliver(topic, bytes, from: identity.node)
    }

    public func subscribe(_ topic: EphemeralTopic, _ handler: @escaping @Sendable (NodeID, [UInt8]) -> Void) {
        bus.subscribe(topic, handler)
    }
}

extension PeerTransport.Verdict {
    fileprivate init(_ verdict: FolderVerdict) {
        switch verdict {
        case .accepted: self = .accepted
        case .unknownNode: self = .unknownNode
        case .removed: self = .removed
        case .otherFolder(let recorded): self = .otherIncarnation(recorded)
        }
    }
}
