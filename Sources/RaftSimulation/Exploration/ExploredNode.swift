import Raft

/// The real `Raft` of one node and its disk, between two events.
struct ExploredNode: Hashable {
    private(set) var raft: Raft
    private var hardState = HardState.initial
    private var entries: [Entry] = []
    /// Handed to the disk and not durable.
    private(set) var writes: [Write] = []

    /// What may happen to a node, beside a message that arrives.
    enum Event: Hashable {
        case hear(Message)
        case persist
        case timeOut
        case propose
        /// So many of the writes that were not durable survive.
        case crash(keeping: Int)
    }

    private static let settings = {
        var settings = RaftSettings(seed: 1)
        settings.electionJitterMilliseconds = 0
        return settings
    }()

    init(_ id: NodeID, of membership: Membership) {
        raft = Self.raft(id, membership, HardState.initial, [])
    }

    private static func raft(_ id: NodeID, _ membership: Membership, _ state: HardState, _ entries: [Entry]) -> Raft {
        let snapshot = SnapshotDescriptor(position: .zero, membership: membership)
        let restored = Raft.Restored(hardState: state, snapshot: snapshot, base: .zero, entries: entries)
        return Raft(id: id, settings: settings, restored: restored, now: .zero)
    }

    /// Whether the entry is durable here.
    func holds(_ index: LogIndex, term: Term) -> Bool {
        entries.contains { $0.index == index && $0.term == term }
    }

    /// Returns what the node sends.
    mutating func take(_ event: Event) -> [Message] {
        switch event {
        case .hear(let message): return step(.message(message))
        case .persist:
            let write = writes.removeFirst()
            settle(write)
            return step(.persisted(write.token))
        case .timeOut: return step(.tick)
        case .propose: return step(.propose([Proposal(token: 1, data: [1])]))
        case .crash(let kept):
            for write in writes.prefix(kept) { settle(write) }
            writes = []
            raft = Self.raft(raft.id, raft.latestSnapshot.membership, hardState, entries)
            return []
        }
    }

    private mutating func settle(_ write: Write) {
        if let from = write.truncateFrom { entries.removeAll { $0.index >= from } }
        if let state = write.hardState { hardState = state }
        entries += write.entries
    }

    private mutating func step(_ input: Input) -> [Message] {
        var now = raft.clock
        if case .tick = input { now = max(now, raft.nextDeadline) }
        var sent: [Message] = []
        for effect in raft.step(input, at: now) {
            // The machine, reads and members have no part in this search.
            if case .persist(let write) = effect { writes.append(write) }
            if case .send(let message) = effect { sent.append(message) }
        }
        return sent
    }
}
