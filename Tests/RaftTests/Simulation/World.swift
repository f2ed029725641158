@testable import Raft

/// A cluster of the real `Raft` in a virtual world: one seed, virtual milliseconds, a heap of events. What `RaftServer` does
/// with a thread, a disk and sockets happens here with numbers. After every step of every node all invariants are checked;
/// a broken one is thrown as a `Violation`.
///
/// A random run calls `play`; a scenario calls `run(for:)` and the verbs of `World+Faults` itself.
struct World {
    enum Event {
        case wake(NodeID, boot: Int)
        case deliver(Message)
        case diskDone(NodeID, boot: Int)
        case applied(NodeID, boot: Int, LogIndex)
        case snapshotSaved(NodeID, boot: Int, SnapshotDescriptor)
        case snapshotSent(NodeID, boot: Int, to: NodeID, succeeded: Bool)
        case link(NodeID, to: NodeID, up: Bool)
        case restart(NodeID, boot: Int)
        case healAll
        case faultDraw
        case proposal
        case read
    }

    let options: SimulationOptions
    let membership: Membership
    var now: UInt64 = 0
    var nodes: [SimulatedNode]
    var network: SimulatedNetwork
    var events = EventHeap<Event>()
    var invariants: Invariants
    var coverage = Coverage()
    /// Faults and random workload happen only while this is set.
    var isDisturbed = false
    /// After a random run's faults everything is quick, so that what is left is bounded by rounds and not by slow disks.
    var isCalm = false
    /// Depends on everything that happened, in order.
    var trace = TraceHash()
    /// Scenarios drop messages for which it gives true.
    var drops: ((Message) -> Bool)?
    /// Scenarios keep every message that was sent.
    var sent: [(time: UInt64, message: Message)]?
    var nextToken: UInt64 = 0

    var networkRandom: SeededRandom
    var diskRandom: SeededRandom
    var faultRandom: SeededRandom
    var workloadRandom: SeededRandom

    init(_ options: SimulationOptions) {
        self.options = options
        membership = .voters(options.nodes)
        nodes = membership.voters.map { [membership] in SimulatedNode(id: $0, membership: membership) }
        network = SimulatedNetwork(nodes: options.nodes)
        invariants = Invariants(membership: membership)
        networkRandom = SeededRandom(seed: options.seed, stream: 2)
        diskRandom = SeededRandom(seed: options.seed, stream: 3)
        faultRandom = SeededRandom(seed: options.seed, stream: 4)
        workloadRandom = SeededRandom(seed: options.seed, stream: 5)
        for node in nodes { start(node.id) }
    }

    subscript(id: NodeID) -> SimulatedNode {
        _read { yield nodes[Int(id.rawValue) - 1] }
        _modify { yield &nodes[Int(id.rawValue) - 1] }
    }

    func place(_ id: NodeID) -> Int { Int(id.rawValue) - 1 }

    // MARK: Time

    mutating func run(for milliseconds: UInt64) throws {
        let end = now + milliseconds
        while let time = events.nextTime, time <= end { try runOne() }
        now = end
    }

    /// Runs until `condition` holds; false if it does not within the limit.
    mutating func run(
        within milliseconds: UInt64, until condition: (borrowing World) -> Bool
    ) throws -> Bool {
        let end = now + milliseconds
        if condition(self) { return true }
        while let time = events.nextTime, time <= end {
            try runOne()
            if condition(self) { return true }
        }
        now = end
        return false
    }

    private mutating func runOne() throws {
        guard let next = events.pop() else { return }
        precondition(next.time >= now, "time does not go back")
        now = next.time
        if let target = addressee(of: next.event), self[target].pausedUntil > now {
            // A stopped process finds everything at once when it goes on.
            return events.schedule(next.event, at: self[target].pausedUntil)
        }
        try handle(next.event)
    }

    private func addressee(of event: Event) -> NodeID? {
        switch event {
        case .wake(let node, _), .diskDone(let node, _), .applied(let node, _, _), .snapshotSaved(let node, _, _),
            .snapshotSent(let node, _, _, _), .link(let node, _, _):
            node
        case .deliver(let message): message.to
        case .restart, .healAll, .faultDraw, .proposal, .read: nil
        }
    }

    private mutating func handle(_ event: Event) throws {
        switch event {
        case .wake(let node, let boot):
            guard self[node].boot == boot, let due = self[node].nextWake, due <= now else { return }
            nodes[place(node)].nextWake = nil
            try step(node, .tick)
        case .deliver(let message): try deliver(message)
        case .diskDone(let node, let boot): if self[node].boot == boot { try diskDone(node) }
        case .applied(let node, let boot, let index): if self[node].boot == boot { try applied(node, index) }
        case .snapshotSaved(let node, let boot, let descriptor):
            if self[node].boot == boot { try snapshotSaved(node, descriptor) }
        case .snapshotSent(let node, let boot, let peer, let succeeded):
            if self[node].boot == boot { try step(node, .snapshotSent(to: peer, succeeded: succeeded)) }
        case .link(let node, let peer, let up): try linkChanged(node, peer, up: up)
        case .restart(let node, let boot): if !self[node].isUp, self[node].boot == boot { start(node) }
        case .healAll: healAll()
        case .faultDraw: try drawFault()
        case .proposal: try proposeAtRandom()
        case .read: try readAtRandom()
        }
    }

    // MARK: A step

    /// Gives one input to a node that is up, checks every invariant, and executes the effects.
    mutating func step(_ id: NodeID, _ input: Input) throws {
        let place = place(id)
        guard nodes[place].isUp else { return }
        coverage.steps += 1
        let effects = nodes[place].step(input, at: now)
        trace.add(now, id, effects.count)
        guard let raft = nodes[place].raft else { return }
        let observed = ObservedStep(node: id, boot: nodes[place].boot, time: now, effects: effects, raft: raft)
        try invariants.check(observed, nodes)
        trace.add(raft.standing.term.rawValue, id, Int(raft.commitIndex.rawValue))
        let boot = nodes[place].boot
        for effect in effects {
            if isDisturbed, options.crashAtEffectPer10000 > 0,
                faultRandom.number(0...9999) < options.crashAtEffectPer10000
            {
                crash(id, closingLinks: faultRandom.chance(700))
                restartLater(id)
                return
            }
            try execute(effect, on: id)
            guard nodes[place].boot == boot, nodes[place].isUp else { return }
        }
        scheduleWake(id)
    }

    mutating func scheduleWake(_ id: NodeID) {
        let place = place(id)
        guard let raft = nodes[place].raft else { return }
        let due = max(now, nodes[place].worldTime(of: raft.nextDeadline))
        if let planned = nodes[place].nextWake, planned <= due, planned > now { return }
        nodes[place].nextWake = due
        events.schedule(.wake(id, boot: nodes[place].boot), at: due)
    }
}
