@testable import Raft

/// One node's disk: what is durable, and what was handed to it and is not yet. Operations become durable in their order; a
/// crash keeps a prefix of those that were under way, as a log whose frames are whole or absent does.
struct SimulatedDisk {
    enum Operation {
        case write(Write)
        case compact(through: LogIndex)
        /// A snapshot from the leader becomes the state and the beginning of the log.
        case install(SnapshotDescriptor)
    }

    private(set) var hardState = HardState.initial
    private(set) var base = LogPosition.zero
    private(set) var entries: [Entry] = []
    private(set) var snapshot: SnapshotDescriptor
    private(set) var queue: [Operation] = []

    init(membership: Membership) {
        snapshot = SnapshotDescriptor(position: .zero, membership: membership)
    }

    var last: LogPosition { entries.last.map { LogPosition(index: $0.index, term: $0.term) } ?? base }

    var restored: Raft.Restored {
        Raft.Restored(hardState: hardState, snapshot: snapshot, base: base, entries: entries)
    }

    /// The term of a durable entry. What a snapshot holds counts as there, whatever its term was.
    func holds(_ index: LogIndex, term: Term) -> Bool {
        if index <= snapshot.position.index { return true }
        guard index > base.index, index <= last.index else { return index == base.index && term == base.term }
        return entries[Int(index.rawValue - base.index.rawValue) - 1].term == term
    }

    mutating func enqueue(_ operation: Operation) {
        queue.append(operation)
    }

    /// Snapshots of the own state are files of their own, outside the order of the log.
    mutating func save(_ descriptor: SnapshotDescriptor) {
        if descriptor.position.index > snapshot.position.index { snapshot = descriptor }
    }

    mutating func completeFirst() -> Operation {
        let operation = queue.removeFirst()
        perform(operation)
        return operation
    }

    mutating func crash(keeping count: Int) {
        for operation in queue.prefix(count) { perform(operation) }
        queue = []
    }

    private mutating func perform(_ operation: Operation) {
        switch operation {
        case .write(let write):
            if let from = write.truncateFrom {
                precondition(from > snapshot.position.index, "what a snapshot holds is not cut")
                entries.removeAll { $0.index >= from }
            }
            if let state = write.hardState {
                precondition(state.term >= hardState.term, "a durable term never falls")
                hardState = state
            }
            for entry in write.entries {
                precondition(entry.index == last.index.next, "the log on disk has no gaps")
                entries.append(entry)
            }
        case .compact(let index):
            guard index > base.index else { return }
            precondition(index <= snapshot.position.index, "only what a snapshot holds is forgotten")
            guard let place = entries.firstIndex(where: { $0.index == index }) else {
                preconditionFailure("only what is there is forgotten")
            }
            base = LogPosition(index: index, term: entries[place].term)
            entries.removeFirst(place + 1)
        case .install(let descriptor):
            precondition(descriptor.position.index > snapshot.position.index, "a snapshot only moves a node forward")
            snapshot = descriptor
            base = descriptor.position
            entries = []
        }
    }
}
