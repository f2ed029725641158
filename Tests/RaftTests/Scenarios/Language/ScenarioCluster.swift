@testable import Raft

/// Nodes of the real `Raft`, their disks, and the messages between them, moved by commands alone: nothing is delivered, and no
/// time passes, unless a command says so. Disks take no time unless they are held.
struct ScenarioCluster {
    struct Node {
        let id: NodeID
        /// Nil while the process is down.
        var raft: Raft?
        var disk: SimulatedDisk
        /// Writes wait for `release`.
        var isHeld = false
        /// Applied entries are not reported, so that the state machine's queue fills.
        var appliesLate = false
        /// Messages wait until `resume`.
        var isPaused = false
    }

    struct Stream {
        var from: NodeID
        var to: NodeID
        var descriptor: SnapshotDescriptor
    }

    var settings = RaftSettings(seed: 1)
    var nodes: [Node] = []
    var underWay: [Message] = []
    var streams: [Stream] = []
    /// Directed links on which messages are lost.
    var cuts: [(from: NodeID, to: NodeID)] = []
    /// Milliseconds, for everybody.
    var now: UInt64 = 0
    /// Of the present paragraph.
    var output: [String] = []
    /// Of all paragraphs before it.
    var story: [String] = []
    /// Only changes of role and membership are told.
    var isQuiet = false

    func place(of id: NodeID) throws(ScenarioError) -> Int {
        guard let place = nodes.firstIndex(where: { $0.id == id }) else {
            throw ScenarioError("there is no node \(id)")
        }
        return place
    }

    mutating func add(_ node: Node) {
        nodes.append(node)
        nodes.sort { $0.id < $1.id }
    }

    // MARK: Steps

    /// One input, and what a disk and a state machine that take no time make of it.
    mutating func step(_ id: NodeID, _ input: Input) throws(ScenarioError) {
        let place = try place(of: id)
        guard nodes[place].raft != nil else { throw ScenarioError("node \(id) is down") }
        var inputs = [input]
        while !inputs.isEmpty {
            let input = inputs.removeFirst()
            let effects = nodes[place].raft?.step(input, at: Tick(now)) ?? []
            tell(id, input, effects)
            for effect in effects { inputs += execute(effect, at: place) }
        }
    }

    private mutating func tell(_ id: NodeID, _ input: Input, _ effects: [Effect]) {
        if isQuiet {
            for effect in effects {
                switch effect {
                case .roleChanged, .membershipChanged, .transferEnded, .readReady, .readRejected:
                    output.append("\(id): \(effect)")
                default: continue
                }
            }
            return
        }
        switch input {
        case .applied, .persisted, .snapshotInstalled: if effects.isEmpty { return }
        default: break
        }
        output.append("\(id) <- \(input)")
        output += effects.map { "    -> \($0)" }
    }

    private mutating func execute(_ effect: Effect, at place: Int) -> [Input] {
        let id = nodes[place].id
        switch effect {
        case .send(let message):
            if !cuts.contains(where: { $0 == (message.from, message.to) }) { underWay.append(message) }
        case .persist(let write): return enqueue(.write(write), at: place)
        case .installSnapshot(let descriptor): return enqueue(.install(descriptor), at: place)
        case .compact(let through): return enqueue(.compact(through: through), at: place)
        case .apply(let entries):
            if let last = entries.last?.index, !nodes[place].appliesLate { return [.applied(last)] }
        case .sendSnapshot(let peer, let descriptor):
            streams.append(Stream(from: id, to: peer, descriptor: descriptor))
        case .readReady, .readRejected, .proposalsRejected, .roleChanged, .membershipChanged, .membershipChangeAccepted,
            .membershipChangeRejected, .memberForgot, .transferEnded:
            break
        }
        return []
    }

    private mutating func enqueue(_ operation: SimulatedDisk.Operation, at place: Int) -> [Input] {
        nodes[place].disk.enqueue(operation)
        return nodes[place].isHeld ? [] : [completeFirst(at: place)].compactMap { $0 }
    }

    /// The oldest operation becomes durable; gives what is to be reported.
    mutating func completeFirst(at place: Int) -> Input? {
        switch nodes[place].disk.completeFirst() {
        case .write(let write): .persisted(write.token)
        case .install(let descriptor): .snapshotInstalled(descriptor)
        case .compact: nil
        }
    }

    mutating func start(at place: Int) {
        let node = nodes[place]
        var settings = settings
        settings.seed = node.id.rawValue
        nodes[place].raft = Raft(id: node.id, settings: settings, restored: node.disk.restored, now: Tick(now))
    }

    // MARK: Messages

    /// Delivers these, in this order; to nodes that are down or paused they are lost or wait.
    mutating func deliver(_ messages: [Message]) throws(ScenarioError) {
        for message in messages {
            guard let place = nodes.firstIndex(where: { $0.id == message.to }), nodes[place].raft != nil else {
                continue
            }
            if nodes[place].isPaused {
                underWay.append(message)
            } else {
                try step(message.to, .message(message))
            }
        }
    }

    /// Rounds of delivery until nobody has anything to say.
    mutating func settle() throws(ScenarioError) {
        for _ in 0..<200 {
            let moving = underWay.filter { message in !nodes.contains { $0.id == message.to && $0.isPaused } }
            if moving.isEmpty { return }
            underWay.removeAll { message in moving.contains(message) }
            try deliver(moving)
        }
        throw ScenarioError("there is no end of messages")
    }
}
