public import Logging
import NIOCore
public import Raft
public import WriteAheadLog

/// One member's replication: Raft on a thread of its own, the log on another, the state machine on a third, and links to the
/// other members. Whoever proposes or reads here need not know who leads: what is asked travels to the leader, waits out
/// elections, and acts once.
///
/// Made by `open`, which blocks on the disk; then `start`, and at the end `stop`. All other functions may be called from
/// anywhere.
public final class RaftServer<Machine: ReplicatedStateMachine>: Sendable {
    public let configuration: RaftServerConfiguration
    public let identity: ServerIdentity
    /// What the state names and does not hold.
    public let payloads: PayloadStore
    private let callbacks: RaftServerCallbacks
    private let logger: Logger

    private let mailbox = Mailbox<LoopEvent>()
    private let proposals: PendingProposals<Machine.Outcome>
    private let reads: PendingReads
    private let waiters: AppliedWaiters
    private let published = PublishedStatus()
    private let transport: PeerTransport
    private let writer: LogWriter
    private let applier: Applier<Machine>
    private let sender: SnapshotSender
    private let receiver: SnapshotReceiver
    private let loop: ServerThread
    /// Nil where no real-time priority is wanted.
    private let timekeeper: Timekeeper?

    /// Recovers what the folder holds and brings the state machine to the newest snapshot. Blocks on the disk.
    /// - Throws: `ServerStartError`, with a sentence that says what to do.
    public static func open(
        _ configuration: RaftServerConfiguration, machine: Machine, callbacks: RaftServerCallbacks, logger: Logger
    ) throws(ServerStartError) -> RaftServer {
        let recovery = try ServerRecovery.run(configuration, machine: machine)
        return RaftServer(configuration, machine: machine, recovery: recovery, callbacks: callbacks, logger: logger)
    }

    private init(
        _ configuration: RaftServerConfiguration, machine: Machine, recovery: ServerRecovery,
        callbacks: RaftServerCallbacks, logger: Logger
    ) {
        self.configuration = configuration
        self.callbacks = callbacks
        self.logger = logger
        identity = recovery.identity
        let limits = configuration.limits
        proposals = PendingProposals(limits: limits)
        reads = PendingReads(limits: limits, boot: recovery.identity.boot)
        waiters = AppliedWaiters(applied: recovery.restored.snapshot.position.index)
        let (mailbox, proposals, reads, waiters) = (mailbox, proposals, reads, waiters)
        let session = Envelope.Session(node: identity.node, boot: identity.boot)

        let identity = identity
        transport = Self.transport(
            configuration, identity: identity,
            recognizedAt: { machine.recognizes(identity.node, by: identity.incarnation) }, mailbox: mailbox,
            callbacks: callbacks, logger: logger)
        let transport = transport
        writer = LogWriter(
            opened: recovery.log, limits: limits, logger: logger,
            callbacks: .init(
                persisted: { mailbox.post(.persisted($0)) }, synced: callbacks.logSynced,
                spaceChanged: { mailbox.post(.space($0)) }, failed: callbacks.failed))
        applier = Applier(
            machine: machine, restored: recovery.restored.snapshot, crashes: recovery.crashes, store: recovery.store,
            limits: limits, logger: logger,
            callbacks: .init(
                completed: { completions in
                    for completion in completions where completion.session == session {
                        proposals.complete(completion.sequence, completion.outcome)
                    }
                },
                applied: { index, microseconds in
                    waiters.advance(to: index)
                    callbacks.applied(index, microseconds)
                    mailbox.post(.applied(index))
                },
                snapshotSaved: {
                    callbacks.snapshot(.save, true)
                    mailbox.post(.snapshotSaved($0))
                },
                snapshotFailed: { callbacks.snapshot($0, false) },
                installed: { descriptor, time in
                    callbacks.snapshot(.install, true)
                    waiters.advance(to: descriptor.position.index)
                    mailbox.post(.snapshotInstalled(descriptor, clusterTimeMicroseconds: time))
                },
                halted: { mailbox.post(.halt($0)) }))
        payloads = recovery.payloads
        sender = SnapshotSender(
            store: recovery.payloads, limits: limits, logger: logger,
            send: { transport.send($0, kind: .snapshotChunk, to: $1, priority: .bulk) },
            finished: {
                callbacks.snapshot(.send, $1)
                mailbox.post(.snapshotSent($0, succeeded: $1))
            })
        receiver = SnapshotReceiver(
            store: recovery.store, logger: logger,
            callbacks: .init(
                answer: { transport.send($0.encoded(), kind: .snapshotReceipt, to: $1) },
                received: {
                    callbacks.snapshot(.receive, true)
                    mailbox.post(.snapshotReceived($0, from: $1, leaderTerm: $2))
                },
                failed: { callbacks.snapshot(.receive, false) }))
        let ports = Self.ports(
            transport: transport, writer: writer, applier: applier,
            recognized: { machine.recognized(asking: identity.node, identity.incarnation) }, sender: sender,
            receiver: receiver,
            proposals: proposals, reads: reads, waiters: waiters, callbacks: callbacks)
        let start = RaftLoop.Start(
            id: identity.node, boot: identity.boot, settings: configuration.raft, restored: recovery.restored,
            storedSnapshot: recovery.storedSnapshot, clusterTimeMicroseconds: machine.clusterTimeMicroseconds,
            halt: recovery.crashes.halt)
        let (published, store) = (published, recovery.store)
        loop = ServerThread(name: "amas-raft") {
            RaftLoop(
                start: start, mailbox: mailbox, ports: ports, limits: limits, logger: logger, reads: reads,
                store: store,
                status: published
            ).run()
        }
        timekeeper = configuration.realtimePriority.map { priority in
            Timekeeper(
                priority: priority, intervalMilliseconds: configuration.raft.heartbeatMilliseconds, logger: logger,
                [{ mailbox.post(.ping(answer: $0)) }, { transport.ping($0) }])
        }
    }

    private static func transport(
        _ configuration: RaftServerConfiguration, identity: ServerIdentity,
        recognizedAt: @escaping @Sendable () -> LogIndex, mailbox: Mailbox<LoopEvent>, callbacks: RaftServerCallbacks,
        logger: Logger
    ) -> PeerTransport {
        var limits = configuration.transport
        limits.inboundBytes = configuration.limits.inboundBytes
        return PeerTransport(
            configuration: .init(
                listen: configuration.listen, advertised: configuration.advertised, limits: limits),
            identity: .init(
                clusterID: configuration.clusterID, node: identity.node, incarnation: identity.incarnation,
                boot: identity.boot, machineVersionMax: configuration.machineVersionMax,
                softwareVersion: configuration.softwareVersion),
            tls: configuration.tls,
            callbacks: .init(
                isKnown: callbacks.isKnown, recognizedAt: recognizedAt,
                frame: { peer, _, kind, payload in
                    // A copy: the log keeps what arrives for long, and a slice would keep all that was read with it.
                    let bytes = Array(payload.readableBytesView)
                    return mailbox.postQuietly(.frame(from: peer, kind, bytes)) ? .held : .done
                },
                readComplete: { mailbox.wake() },
                link: { peer, change in
                    callbacks.linkChanged(peer, change)
                    mailbox.post(.link(peer, change))
                }),
            logger: logger)
    }

    private static func ports(
        transport: PeerTransport, writer: LogWriter, applier: Applier<Machine>,
        recognized: @escaping @Sendable () -> Set<NodeID>?, sender: SnapshotSender, receiver: SnapshotReceiver,
        proposals: PendingProposals<Machine.Outcome>, reads: PendingReads, waiters: AppliedWaiters,
        callbacks: RaftServerCallbacks
    ) -> LoopPorts {
        LoopPorts(
            send: { transport.send($0, kind: $1, to: $2) },
            write: { writer.post($0) },
            apply: { applier.post(.apply($0)) }, recognized: recognized,
            install: { applier.post(.install($0)) },
            startSnapshot: { sender.start($0, stored: $1, leaderTerm: $2) },
            stopSnapshots: { sender.stopAll() },
            snapshotReceipt: { sender.received($1, by: $0) },
            receiveChunk: { receiver.post($1, from: $0) },
            releaseReceiver: { receiver.release() },
            release: { transport.release($1, of: $0) },
            unanswered: { proposals.toSubmit(now: MonotonicTime.now, onlyOverdue: $0) },
            proposalRefused: { proposals.refuse($0, $1, now: MonotonicTime.now) },
            failAll: { error in
                proposals.failAll(error)
                reads.failAll(error)
            },
            stopRequests: { error in
                proposals.stop(error)
                reads.stop(error)
                waiters.stop(error)
            },
            expire: {
                let now = MonotonicTime.now
                proposals.expire(now: now)
                reads.expire(now: now)
                waiters.expire(now: now)
            },
            ephemeral: callbacks.ephemeral,
            standingChanged: callbacks.standingChanged,
            failed: callbacks.failed)
    }

    // MARK: Life

    /// Opens the links. Elections begin as soon as a majority can be reached.
    /// - Returns: the address on which the other members reach this node.
    public func start() async throws(ServerStartError) -> PeerAddress {
        transport.setPeers(configuration.peers)
        do {
            return try await transport.start()
        } catch {
            throw .transport("\(error)")
        }
    }

    /// Hands over leadership if it is held, then closes everything. What was committed stays; what waits fails.
    public func stop() async {
        if status?.standing.role == .leader { _ = await transferLeadership(to: nil) }
        await close()
    }

    /// Closes everything as it is, like the death of the process, but for what the log's thread has taken: it is still written.
    func close() async {
        let timekeeper = timekeeper
        await Self.onOwnThread { timekeeper?.stop() }
        let error = RequestError.stopped(reason: "the node is stopping")
        proposals.stop(error)
        reads.stop(error)
        waiters.stop(error)
        await transport.stop()
        sender.stopAll()
        mailbox.close()
        let (loop, writer, applier, receiver, payloads) = (loop, writer, applier, receiver, payloads)
        await Self.onOwnThread {
            loop.join()
            receiver.stop()
            writer.stop()
            applier.stop()
            payloads.close()
        }
    }

    private static func onOwnThread(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            _ = ServerThread(name: "amas-stop") {
                body()
                done.resume()
            }
        }
    }

    // MARK: Requests

    /// Proposes a command and waits until this node has applied it. Held through elections. A caller that is cancelled waits no
    /// longer; what it proposed may take effect all the same.
    /// - Parameter encode: makes the encoded envelope for the session, sequence and floor it is given.
    /// - Returns: the outcome, the same one however often the command travelled.
    public func propose(
        _ encode: (Envelope.Session, _ sequence: UInt64, _ floor: UInt64) throws(RequestError) -> [UInt8]
    ) async throws(RequestError) -> Machine.Outcome {
        let (sequence, bytes) = try prepare(encode)
        let proposals = proposals
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                submit(sequence, bytes) { continuation.resume(returning: $0) }
                // A cancellation that came before the registration has found nothing to end.
                if Task.isCancelled { proposals.cancel(sequence) }
            }
        } onCancel: {
            proposals.cancel(sequence)
        }
        return try answer.get()
    }

    /// As above, without a task that waits.
    /// - Parameter completion: called once: on a thread of this server, which must not wait, or on the caller's before this returns.
    public func propose(
        _ encode: (Envelope.Session, _ sequence: UInt64, _ floor: UInt64) throws(RequestError) -> [UInt8],
        completion: @escaping @Sendable (Result<Machine.Outcome, RequestError>) -> Void
    ) {
        do throws(RequestError) {
            let (sequence, bytes) = try prepare(encode)
            submit(sequence, bytes, completion)
        } catch {
            completion(.failure(error))
        }
    }

    private func prepare(
        _ encode: (Envelope.Session, _ sequence: UInt64, _ floor: UInt64) throws(RequestError) -> [UInt8]
    ) throws(RequestError) -> (sequence: UInt64, bytes: [UInt8]) {
        let (sequence, floor) = try proposals.reserve().get()
        do throws(RequestError) {
            let bytes = try encode(Envelope.Session(node: identity.node, boot: identity.boot), sequence, floor)
            precondition(Envelope.isEnvelope(bytes[...]), "what is proposed is an envelope")
            let limit = configuration.raft.maximumProposalBytes
            guard bytes.count <= limit else { throw .tooLarge(limitBytes: limit) }
            return (sequence, bytes)
        } catch {
            proposals.release(sequence)
            throw error
        }
    }

    private func submit(
        _ sequence: UInt64, _ bytes: [UInt8],
        _ completion: @escaping @Sendable (Result<Machine.Outcome, RequestError>) -> Void
    ) {
        let begun = MonotonicTime.now
        let answered = callbacks.answered
        proposals.register(sequence, bytes: bytes, now: begun) { answer in
            answered(.proposal, MonotonicTime.now.microseconds - begun.microseconds, answer.error)
            completion(answer)
        }
        mailbox.post(.proposals([bytes]))
    }

    /// Proposes an encoded envelope outside any session, once and without waiting. It may be lost; whoever needs it looks at
    /// the state and repeats it.
    public func proposeWithoutSession(_ envelope: [UInt8]) {
        precondition(Envelope.isEnvelope(envelope[...]), "what is proposed is an envelope")
        mailbox.post(.proposals([envelope]))
    }

    /// The index from which on the local state answers a linearizable read. Costs a round of heartbeats, shared by all readers.
    public func readIndex() async throws(RequestError) -> LogIndex {
        let begun = MonotonicTime.now
        let answer = await withCheckedContinuation { continuation in
            if reads.register(now: begun, answer: continuation) { mailbox.post(.readsWaiting) }
        }
        callbacks.answered(.read, MonotonicTime.now.microseconds - begun.microseconds, answer.error)
        return try answer.get()
    }

    /// Waits until this node has applied `index`, at most `milliseconds`.
    public func waitUntilApplied(_ index: LogIndex, milliseconds: UInt64) async throws(RequestError) {
        let deadline = MonotonicTime.now.adding(milliseconds: milliseconds)
        let answer = await withCheckedContinuation { waiters.wait(for: index, deadline: deadline, answer: $0) }
        try answer.get()
    }

    /// Hands leadership to `target`, or to the most caught-up voter. Only a leader can.
    public func transferLeadership(to target: NodeID?) async -> TransferOutcome {
        await withCheckedContinuation { answer in
            if !mailbox.post(.transferLeadership(to: target, answer)) { answer.resume(returning: .noTarget) }
        }
    }

    /// Begins a change of who takes part. Only a leader can. What an accepted change began is ended by whoever leads then;
    /// the configurations that it leads to are applied as entries of the log.
    public func changeMembership(_ change: MembershipChange) async throws(MembershipRejection) -> LogIndex {
        let answer = await withCheckedContinuation { (answer: CheckedContinuation<MembershipAnswer, Never>) in
            if !mailbox.post(.changeMembership(change, answer)) {
                answer.resume(returning: .failure(.notLeader(leader: nil)))
            }
        }
        return try answer.get()
    }

    /// Where the other members are reached from now on. The links to others are closed.
    public func setPeers(_ peers: [NodeID: PeerAddress]) {
        transport.setPeers(peers)
    }

    /// Sends bytes to the same callback of another member, without a promise of arrival.
    public func sendEphemeral(_ bytes: [UInt8], to peer: NodeID) {
        transport.send(bytes, kind: .ephemeral, to: peer)
    }

    /// Reads the certificate files of the links again. After an error the old ones stay in use.
    public func reloadCertificates() async throws(PeerTransportError) {
        try await transport.reloadCertificates()
    }

    /// Takes this node out of the cluster's work; its files are kept. For a node that was found to differ from the others.
    public func halt(_ reason: StateMachineHalt) {
        mailbox.post(.halt(reason))
    }

    // MARK: Figures

    /// Nil until the first event.
    public var status: ServerStatus? { published.current }
    public var links: [LinkStatus] { transport.links }
    public var outstandingProposals: Int { proposals.count }
    /// At most `ServerLimits.outstandingProposalBytes` and one proposal.
    public var outstandingProposalBytes: Int { proposals.byteCount }
    public var outstandingReads: Int { reads.count }
    public var appliedIndex: LogIndex { waiters.applied }
}

extension Result where Failure == RequestError {
    fileprivate var error: RequestError? {
        if case .failure(let error) = self { error } else { nil }
    }
}
