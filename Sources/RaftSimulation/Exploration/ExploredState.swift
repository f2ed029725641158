import Raft

/// A cluster of the real `Raft` between two events, with what must be remembered to judge it. Two ways that lead to equal states
/// are one.
struct ExploredState: Hashable {
    struct Node: Hashable {
        var raft: Raft
        var hardState = HardState.initial
        var entries: [Entry] = []
        /// Handed to the disk and not durable.
        var writes: [Write] = []
        /// Candidates that were voted for, by term.
        var votes: [NodeID?] = []

        func holds(_ index: LogIndex, term: Term) -> Bool {
            entries.contains { $0.index == index && $0.term == term }
        }
    }

    /// The text gives messages an order that every process agrees on.
    struct Packet: Hashable {
        var message: Message
        var text: String
    }

    enum Action: CustomStringConvertible {
        case deliver(Int, Message)
        case persist(NodeID)
        case timeout(NodeID)
        case propose(NodeID)
        /// So many of the writes that were not durable survive.
        case crash(NodeID, keeping: Int)

        var description: String {
            switch self {
            case .deliver(_, let message): "\(message.to) hears from \(message.from): \(message)"
            case .persist(let node): "the oldest write of \(node) is durable"
            case .timeout(let node): "the time of \(node) is over"
            case .propose(let node): "\(node) is asked to propose"
            case .crash(let node, let kept): "\(node) crashes and starts again; \(kept) of its writes survive"
            }
        }
    }

    var nodes: [Node]
    /// Any of them may arrive next; that one never does is a way of its own.
    var packets: [Packet] = []
    var leaders: [NodeID?] = []
    var committed: [Term] = []
    var bounds: ExplorationBounds
}

/// What may happen on one way, at most.
public struct ExplorationBounds: Hashable, Sendable {
    public var timeouts = 2
    public var proposals = 1
    public var crashes = 1
    /// States after which the search is given up.
    public var states = 100_000

    public init() {}
}

extension ExploredState {
    private static let settings = {
        var settings = RaftSettings(seed: 1)
        settings.electionJitterMilliseconds = 0
        return settings
    }()

    init(nodes count: Int, _ bounds: ExplorationBounds) {
        let membership = Membership(voters: (1...UInt64(count)).map { NodeID($0) })
        nodes = membership.voters.map { id in
            Node(raft: Self.raft(id, membership, HardState.initial, []))
        }
        self.bounds = bounds
    }

    private static func raft(_ id: NodeID, _ membership: Membership, _ state: HardState, _ entries: [Entry]) -> Raft {
        let snapshot = SnapshotDescriptor(position: .zero, membership: membership)
        let restored = Raft.Restored(hardState: state, snapshot: snapshot, base: .zero, entries: entries)
        return Raft(id: id, settings: settings, restored: restored, now: .zero)
    }

    // MARK: What may happen

    var actions: [Action] {
        var actions = packets.enumerated().map { Action.deliver($0.offset, $0.element.message) }
        for node in nodes {
            let id = node.raft.id
            if !node.writes.isEmpty { actions.append(.persist(id)) }
            let leads = node.raft.standing.role == .leader
            if bounds.timeouts > 0, !leads { actions.append(.timeout(id)) }
            if bounds.proposals > 0, leads { actions.append(.propose(id)) }
            if bounds.crashes > 0 {
                for kept in 0...node.writes.count { actions.append(.crash(id, keeping: kept)) }
            }
        }
        return actions
    }

    mutating func perform(_ action: Action) throws(Violation) {
        switch action {
        case .deliver(let place, let message):
            packets.remove(at: place)
            try step(message.to, .message(message))
        case .persist(let id):
            let write = nodes[place(id)].writes.removeFirst()
            settle(write, at: place(id))
            try step(id, .persisted(write.token))
        case .timeout(let id):
            bounds.timeouts -= 1
            try step(id, .tick)
        case .propose(let id):
            bounds.proposals -= 1
            try step(id, .propose([Proposal(token: 1, data: [1])]))
        case .crash(let id, let kept):
            bounds.crashes -= 1
            let place = place(id)
            for write in nodes[place].writes.prefix(kept) { settle(write, at: place) }
            nodes[place].writes = []
            let initial = Membership(voters: nodes.map(\.raft.id))
            nodes[place].raft = Self.raft(id, initial, nodes[place].hardState, nodes[place].entries)
        }
    }

    private func place(_ id: NodeID) -> Int { Int(id.rawValue) - 1 }

    private mutating func settle(_ write: Write, at place: Int) {
        if let from = write.truncateFrom { nodes[place].entries.removeAll { $0.index >= from } }
        if let state = write.hardState { nodes[place].hardState = state }
        nodes[place].entries += write.entries
    }

    private mutating func step(_ id: NodeID, _ input: Input) throws(Violation) {
        let place = place(id)
        var now = nodes[place].raft.clock
        if case .tick = input { now = max(now, nodes[place].raft.nextDeadline) }
        let effects = nodes[place].raft.step(input, at: now)
        for effect in effects {
            // The machine, reads and members have no part in this search.
            if case .persist(let write) = effect { nodes[place].writes.append(write) }
            guard case .send(let message) = effect else { continue }
            try check(message, at: place)
            add(message)
        }
        try check(place)
    }

    /// The network may repeat: the same message twice is one that may come again, and so no other state.
    private mutating func add(_ message: Message) {
        let packet = Packet(message: message, text: "\(message.from)\(message.to)\(message)")
        let place = packets.firstIndex { $0.text >= packet.text } ?? packets.count
        if place < packets.count, packets[place] == packet { return }
        packets.insert(packet, at: place)
    }

    // MARK: What must hold

    private mutating func check(_ message: Message, at place: Int) throws(Violation) {
        var candidate: NodeID?
        if case .voteResponse(granted: true) = message.body { candidate = message.to }
        if case .voteRequest = message.body { candidate = message.from }
        guard let candidate else { return }
        let term = Int(message.term.rawValue)
        while nodes[place].votes.count <= term { nodes[place].votes.append(nil) }
        if let earlier = nodes[place].votes[term], earlier != candidate {
            throw Violation("VoteOnce", "node \(message.from) votes for \(earlier) and \(candidate) in term \(term)")
        }
        nodes[place].votes[term] = candidate
    }

    private mutating func check(_ place: Int) throws(Violation) {
        let raft = nodes[place].raft
        let term = Int(raft.standing.term.rawValue)
        if raft.standing.role == .leader {
            while leaders.count <= term { leaders.append(nil) }
            if let other = leaders[term], other != raft.id {
                throw Violation("ElectionSafety", "\(other) and \(raft.id) lead in term \(term)")
            }
            leaders[term] = raft.id
        }
        var index = LogIndex(1)
        while index <= raft.commitIndex, let own = raft.term(at: index) {
            let known = Int(index.rawValue) - 1
            if known < committed.count {
                guard committed[known] == own else {
                    throw Violation("CommittedImmutable", "node \(raft.id) commits another entry at \(index)")
                }
            } else {
                let copies = nodes.count { $0.holds(index, term: own) }
                guard copies > nodes.count / 2 else {
                    throw Violation("CommittedOnQuorum", "\(index) is committed, and on \(copies) disks")
                }
                committed.append(own)
            }
            index = index.next
        }
    }
}
