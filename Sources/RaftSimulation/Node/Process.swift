import ClusterState
import Raft
import WriteAheadLog

/// One run of a node's process: the real Raft, the real log and the real state, and between them what `RaftServer` does with
/// threads, done here with events. `Process+…` mirror `RaftLoop`, `LogWriter`, `Applier`, `SnapshotSender` and
/// `SnapshotReceiver`, each under the same name for the same thing.
final class Process {
    // Unsafe, because it is read millions of times: the world owns this, and outlives it.
    unowned(unsafe) let world: World
    unowned(unsafe) let node: Node
    let boot: BootID
    let startedAt: UInt64
    var isAlive = true
    var raft: Raft
    /// When the next `tick` is planned, in the world's time.
    var nextWake: UInt64 = .max
    /// Asked to end: it has handed over, or is about to.
    var isTerminating = false

    // Process+Log
    let log: DurableLog
    var logRequests: [LogRequest] = []
    var logJob: LogJob?

    // Process+Machine
    var machine: ClusterState
    let payloads: PayloadStore
    /// The membership after the last applied entry, and the position of that entry.
    var covered: SnapshotDescriptor
    var machineRequests: [MachineRequest] = []
    var isApplying = false
    var entriesSinceSnapshot = 0
    var isWritingSnapshot = false
    /// A snapshot from the leader waits until the own one is written.
    var installWaits = false

    // Process+Members
    let folders: RegisteredFolders?

    // Process+Snapshots
    var storedSnapshot: SnapshotFiles.Stored?
    var receivedSnapshot: SnapshotFiles.Stored?
    var streams: [SnapshotStream?]
    var lastStream: UInt64 = 0
    var assembly = SnapshotAssembly()

    // Process+Proposals
    var proposals = PendingProposals()
    var gathered: [GatheredProposals] = []
    var origins: [ProposalOrigin] = []
    /// The greatest cluster time in the log, and where the leader's clock goes on from.
    var greatestClusterTime: UInt64
    var clockBase: (time: UInt64, local: UInt64) = (0, 0)

    // Process+Reads
    var reads = PendingReads()
    var remoteReads: [RemoteRead] = []
    var readTokens: UInt64 = 0
    var appliedWaiters: [AppliedWaiter] = []

    // Process+Duties
    var isReachable: [Bool]
    var majorityLostAt: UInt64?
    var nextRegistration: UInt64 = 0

    var id: NodeID { node.id }
    var place: Int { node.place }
    var session: Envelope.Session { Envelope.Session(node: node.id, boot: boot) }

    init(world: World, node: Node, recovery: Recovery, settings: RaftSettings) {
        self.world = world
        self.node = node
        boot = recovery.boot
        startedAt = world.now
        folders = world.membersByCommand ? RegisteredFolders(recovery.machine, recovery.restored.entries) : nil
        var restored = recovery.restored
        restored.recognized = folders?.recognized(
            asking: node.id, Incarnation(node.incarnation), recovery.machine)
        restored.isNewcomer = node.joins && !(restored.recognized?.contains(node.id) ?? true)
        raft = Raft(id: node.id, settings: settings, restored: restored, now: .zero)
        log = recovery.log
        machine = recovery.machine
        payloads = recovery.payloads
        covered = recovery.restored.snapshot
        storedSnapshot = recovery.stored
        streams = Array(repeating: nil, count: world.nodes.count)
        isReachable = Array(repeating: false, count: world.nodes.count)
        greatestClusterTime = recovery.restored.entries.reduce(recovery.machine.now.microseconds) { time, entry in
            guard entry.kind == .command else { return time }
            return max(time, Envelope.clusterTimeMicroseconds(of: entry.data) ?? 0)
        }
        // Numbers of an earlier process must not be taken for this one's: its answers speak of an earlier moment.
        reads.number = boot.rawValue << 40
    }

    func start() {
        scheduleWake()
        world.queue.schedule(.housekeeping(self), at: world.now)
        prepareSpare()
    }

    // MARK: Time

    /// Microseconds on this process's own clock.
    var localTime: UInt64 { local(at: world.now) }

    func local(at time: UInt64) -> UInt64 {
        let elapsed = Int(time - startedAt)
        return UInt64(elapsed + elapsed * node.clockDrift / 1_000_000)
    }

    /// The first moment of the world at which this process's clock shows `local`.
    private func worldTime(ofLocal local: UInt64) -> UInt64 {
        var elapsed = local * 1_000_000 / UInt64(1_000_000 + node.clockDrift)
        while self.local(at: startedAt + elapsed) < local { elapsed += 100 }
        return startedAt + elapsed
    }

    func scheduleWake() {
        let due = max(world.now, worldTime(ofLocal: raft.nextDeadline.rawValue * 1000))
        if nextWake <= due, nextWake > world.now { return }
        nextWake = due
        world.queue.schedule(.wake(self), at: due)
    }

    func wake() {
        guard nextWake <= world.now else { return }
        nextWake = .max
        step(.tick)
    }

    // MARK: Steps

    /// Gives Raft one input and executes what it brings. The process may die between any two effects.
    func step(_ input: Input) {
        guard isAlive, world.violation == nil else { return }
        let effects = raft.step(input, at: Tick(localTime / 1000))
        world.marks.hit(raft.takeMarks())
        world.monitor.stepped(self, input, effects)
        guard world.violation == nil else { return }
        for effect in effects {
            if world.crashesHere(node) { return }
            execute(effect)
            guard isAlive else { return }
        }
        scheduleWake()
    }

    private func execute(_ effect: Effect) {
        switch effect {
        case .send(let message):
            send(.raft(message), to: message.to)
            switch message.body {
            case .timeoutNow: world.toldToTakeOver(message.to)
            case .heartbeat: world.askedForAnswer(self)
            default: break
            }
        case .persist(let write):
            noteClusterTime(of: write.entries)
            post(.write(write))
        case .apply(let entries): post(.apply(entries))
        case .readReady(let token, let index): answerRead(token, index)
        case .readRejected(let token, _): answerRead(token, .zero)
        case .proposalsRejected(let tokens, let reason): refuse(tokens, reason)
        case .sendSnapshot(let peer, _): sendSnapshot(to: peer)
        case .installSnapshot(let descriptor): install(descriptor)
        case .compact(let through): compact(through)
        case .roleChanged(let standing): roleChanged(standing)
        case .memberForgot: break
        case .membershipChanged(let membership):
            if raft.isNewcomer, membership.isVoter(id) { world.newcomerReadsOfVote(self) }
            // Only its log says so, as long as nobody hears it.
            if raft.standing.role == .leader, !membership.isVoter(id) { world.isInChange(self) }
        case .membershipChangeAccepted:
            world.marks.hit(.membershipChangeBegun)
            world.isInChange(self)
        case .membershipChangeRejected: world.marks.hit(.membershipChangeRefused)
        case .transferEnded(let outcome):
            if case .completed = outcome {
                world.marks.hit(.transferCompleted)
            } else {
                world.marks.hit(.transferFailed)
            }
        }
    }

    private func noteClusterTime(of entries: [Entry]) {
        for entry in entries where entry.kind == .command {
            greatestClusterTime = max(greatestClusterTime, Envelope.clusterTimeMicroseconds(of: entry.data) ?? 0)
        }
    }

    private func roleChanged(_ standing: Standing) {
        if standing.role == .leader {
            world.marks.hit(.leaderElected)
            world.leaderWasElected(self)
            clockBase = (max(greatestClusterTime, world.wallTime), localTime)
        } else {
            streams = Array(repeating: nil, count: streams.count)
        }
        if standing.leader != nil { resubmit() }
    }

    func send(_ frame: Frame, to peer: NodeID) {
        world.send(frame, from: place, to: Int(peer.rawValue) - 1)
    }

    // MARK: Events

    func receive(_ frame: Frame, from peer: NodeID) {
        switch frame {
        case .raft(let message):
            guard world.options.network.usesCodec else { return step(.message(message)) }
            guard let decoded = try? Message(decoding: message.encoded()[...]), decoded == message else {
                return world.fail(Violation("Codec", "\(message) is read as something else"))
            }
            step(.message(decoded))
        case .proposals(let forwarded): receiveForwarded(forwarded, from: peer)
        case .proposalRefused(let boot, let sequence): if boot == self.boot { refused(sequence) }
        case .readRequest(let number): startRead(RemoteRead(token: 0, peer: peer, number: number))
        case .readAnswer(let number, let index):
            if index == .zero { reads.refused(number) } else { answerReaders(number, index) }
        case .snapshotChunk(let chunk): receiveChunk(chunk, from: peer)
        case .snapshotReceipt(let position, let length): receivedReceipt(position, length: length, from: peer)
        }
    }

    func linkChanged(_ peer: NodeID, isUp: Bool, isTold: Bool = true) {
        isReachable[Int(peer.rawValue) - 1] = isUp
        if isUp {
            step(.linkUp(peer))
            if isAlive, raft.standing.leader == peer { resubmit() }
        } else if isTold {
            step(.linkDown(peer))
        }
    }
}
