import ClusterState
import Raft
import WriteAheadLog

/// A cluster in a virtual world: the real Raft, the real log and the real state on simulated machines, disks, clocks and
/// network, all of it from one seed. One thread, one queue of events, virtual time.
///
/// After every step of every node the monitor checks the invariants; the first that breaks ends the run.
final class World {
    enum Event {
        case wake(Process)
        case housekeeping(Process)
        case logDone(Process)
        case logRetry(Process)
        case spareDone(Process, DiskJob, Result<PreparedSpare, WriteAheadLogError>)
        case machineDone(Process)
        case snapshotWritten(Process, SnapshotFiles.Stored, DiskJob)
        case snapshotReceived(Process, SnapshotFiles.Stored, DiskJob, from: NodeID, leaderTerm: Term)
        case snapshotPatience(Process, Int, stream: UInt64, offset: Int)
        case work(Process, TaskKey, Epoch)
        case proposal(Process, Command.OneOf_Body)
        case endOfTermination(Process)
        case reconfigure(Process)
        /// A client's request reaches the process.
        case request(Process, OperationID)
        case frame(Frame, from: Int, to: Int, connection: UInt32)
        case dial(Int, Int)
        case linkClosed(Int, Int, connection: UInt32)
        case linkSilent(Int, Int, connection: UInt32)
        case cut(Int, Int, until: UInt64)
        case restart(Int)
        case tend(Int)
        case diskHasRoom(Int)
        case faultDraw
        case client(Int)
    }

    let options: SimulationOptions
    let membership: Membership
    private(set) var now: UInt64 = 0
    var queue = EventQueue<Event>()
    var nodes: [Node] = []
    var links: Links
    var random: RandomStreams
    private(set) var violation: Violation?
    var marks = Marks()
    var trace: Trace
    lazy var monitor = Monitor(world: self)
    lazy var workload = Workload(world: self)
    /// The newest machine version that any node has been asked for.
    var versionInForce: UInt32 = 1
    /// Chance interferes only while this is set.
    var isDisturbed = false
    /// New faults are drawn until then, and after `quietUntil`.
    var quietUntil: UInt64 = 0
    var disturbedUntil: UInt64 = 0
    private(set) var events: UInt64 = 0
    private var eventsAtOnce = 0
    private static let mostEventsAtOnce = 100_000

    /// Wall time of the beginning, far from zero as real ones are.
    private static let epochMicroseconds: UInt64 = 1_700_000_000_000_000

    init(_ options: SimulationOptions, trace: Trace = Trace()) {
        self.options = options
        self.trace = trace
        random = RandomStreams(seed: options.seed)
        membership = Membership(voters: (1...(options.founders ?? options.nodes)).map { NodeID(UInt64($0)) })
        links = Links(nodes: options.nodes)
        nodes = (0..<options.nodes).map { Node(place: $0, incarnation: random.disk.next() | 1) }
        for node in nodes { format(node) }
    }

    var wallTime: UInt64 { Self.epochMicroseconds + now }

    /// Ends the run. The first violation counts.
    func fail(_ violation: Violation) {
        guard self.violation == nil else { return }
        self.violation = violation
        trace.note(now, "VIOLATION \(violation)")
    }

    /// What `amas init` does: an empty log under a new incarnation.
    func format(_ node: Node) {
        let opened = try? node.disk.runAtOnce {
            try DurableLog.open(
                in: node.disk, owner: node.owner, whenEmpty: .format(incarnation: node.incarnation, joins: node.joins),
                firstBoot: node.firstBoot, limits: options.node.log)
        }
        precondition(opened != nil, "an empty disk takes a new log")
    }

    // MARK: Time

    /// Runs until `condition` holds, a violation, or the end of the time. Returns whether it holds.
    @discardableResult
    func run(for time: UInt64, until condition: () -> Bool = { false }) -> Bool {
        let end = now + time
        while violation == nil {
            if condition() { return true }
            guard let next = queue.nextTime, next <= end, let (time, event) = queue.pop() else {
                now = end
                return false
            }
            precondition(time >= now, "time does not go back")
            eventsAtOnce = time == now ? eventsAtOnce + 1 : 0
            if eventsAtOnce > Self.mostEventsAtOnce {
                fail(Violation("Livelock", "something is done again and again, and time stands still"))
            }
            now = time
            events += 1
            dispatch(event)
        }
        return false
    }

    /// When a write that begins now has reached the disk.
    func timeAfterWrite(_ node: Node) -> UInt64 {
        let delay = isDisturbed ? options.node.writeDelay : 50...min(500, options.node.writeDelay.upperBound)
        return now + random.disk.time(delay)
    }

    // MARK: Events

    private func dispatch(_ event: Event) {
        if let process = process(of: event) {
            guard process.isAlive else {
                if case .request(_, let operation) = event { workload.finished(operation, .unknown) }
                return
            }
            let node = process.node
            // A stopped process finds everything at once when it goes on.
            if node.isPaused(at: now) {
                if case .wake = event { return queue.schedule(event, at: node.pausedUntil + node.timerDelay) }
                return queue.schedule(event, at: node.pausedUntil)
            }
            if waitsForDisk(event), now < node.diskStalledUntil {
                // In small steps, because a stall may be ended early.
                return queue.schedule(event, at: min(node.diskStalledUntil, now + 100_000))
            }
            return dispatch(event, to: process)
        }
        switch event {
        case .frame(let frame, let from, let to, let connection):
            if nodes[to].isPaused(at: now) {
                return queue.schedule(event, at: nodes[to].pausedUntil + links[from, to].readingDelay)
            }
            deliver(frame, from: from, to: to, connection: connection)
        case .dial(let from, let to):
            if nodes[from].isPaused(at: now) { return queue.schedule(event, at: nodes[from].pausedUntil) }
            dial(from, to)
        case .linkClosed(let from, let to, let connection):
            if nodes[from].isPaused(at: now) { return queue.schedule(event, at: nodes[from].pausedUntil) }
            linkEnded(from, to, connection: connection, isTold: true)
        case .linkSilent(let from, let to, let connection):
            if nodes[from].isPaused(at: now) { return queue.schedule(event, at: nodes[from].pausedUntil) }
            linkSilent(from, to, connection: connection)
        case .cut(let from, let to, let time): cut(from, to, until: time, closing: false)
        case .restart(let place): restart(nodes[place])
        case .tend(let place): tend(nodes[place])
        case .diskHasRoom(let place): nodes[place].disk.isFull = false
        case .faultDraw: drawFault()
        case .client(let client): workload.act(client)
        case .wake, .housekeeping, .logDone, .logRetry, .spareDone, .machineDone, .snapshotWritten, .snapshotReceived,
            .snapshotPatience, .work, .proposal, .endOfTermination, .reconfigure, .request:
            preconditionFailure("these belong to a process")
        }
    }

    private func process(of event: Event) -> Process? {
        switch event {
        case .wake(let process), .housekeeping(let process), .logDone(let process), .logRetry(let process),
            .spareDone(let process, _, _), .machineDone(let process), .snapshotWritten(let process, _, _),
            .snapshotReceived(let process, _, _, _, _), .snapshotPatience(let process, _, _, _),
            .work(let process, _, _), .proposal(let process, _), .endOfTermination(let process),
            .reconfigure(let process), .request(let process, _):
            process
        case .frame, .dial, .linkClosed, .linkSilent, .cut, .restart, .tend, .diskHasRoom, .faultDraw, .client: nil
        }
    }

    private func waitsForDisk(_ event: Event) -> Bool {
        switch event {
        case .logDone, .spareDone, .snapshotWritten, .snapshotReceived: true
        case .wake, .housekeeping, .logRetry, .machineDone, .snapshotPatience, .work, .proposal, .endOfTermination,
            .reconfigure, .request, .frame, .dial, .linkClosed, .linkSilent, .cut, .restart, .tend, .diskHasRoom,
            .faultDraw, .client:
            false
        }
    }

    private func dispatch(_ event: Event, to process: Process) {
        switch event {
        case .wake: process.wake()
        case .housekeeping: process.housekeeping()
        case .logDone: process.logDone()
        case .logRetry: process.runLogJob()
        case .spareDone(_, let job, let result): process.spareDone(job, result)
        case .machineDone: process.machineDone()
        case .snapshotWritten(_, let stored, let job): process.snapshotWritten(stored, job)
        case .snapshotReceived(_, let stored, let job, let peer, let term):
            process.snapshotReceived(stored, job, from: peer, leaderTerm: term)
        case .snapshotPatience(_, let place, let stream, let offset):
            process.snapshotPatienceEnded(place, stream: stream, offset: offset)
        case .work(_, let task, let epoch): process.work(on: task, epoch)
        case .proposal(_, let body): if process.hasSession { process.propose(body, for: nil) }
        case .endOfTermination: exit(process.node, because: "terminated")
        case .reconfigure: reconfigure(process)
        case .request(_, let operation): workload.hand(operation, to: process)
        case .frame, .dial, .linkClosed, .linkSilent, .cut, .restart, .tend, .diskHasRoom, .faultDraw, .client:
            preconditionFailure("these belong to no process")
        }
    }
}
