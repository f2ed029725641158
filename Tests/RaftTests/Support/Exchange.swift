@testable import Raft

/// A few nodes that talk in rounds: all messages of one round arrive before those they cause, and disks take no time. Time
/// stands still, so nothing here is owed to a timer.
struct Exchange {
    var nodes: [Raft]
    var underWay: [Message] = []

    init(_ nodes: [Raft]) {
        self.nodes = nodes
    }

    subscript(id: NodeID) -> Raft {
        _read { yield nodes[place(id)] }
        _modify { yield &nodes[place(id)] }
    }

    private func place(_ id: NodeID) -> Int {
        guard let place = nodes.firstIndex(where: { $0.id == id }) else { preconditionFailure("no node \(id)") }
        return place
    }

    /// One step of one node; what it sends is under way afterwards.
    @discardableResult
    mutating func step(_ id: NodeID, _ input: Input) -> [Effect] {
        let now = self[id].now
        let effects = self[id].stepDurably(input, at: now)
        underWay += effects.messages
        return effects
    }

    /// Delivers everything under way, once; messages to nodes that are not here are lost.
    mutating func round() {
        let messages = underWay
        underWay = []
        for message in messages where nodes.contains(where: { $0.id == message.to }) {
            step(message.to, .message(message))
        }
    }

    /// Runs until nobody has anything to say; gives the number of rounds, or nil if there is no end.
    mutating func settle(within limit: Int = 1000) -> Int? {
        var rounds = 0
        while !underWay.isEmpty {
            if rounds == limit { return nil }
            round()
            rounds += 1
        }
        return rounds
    }
}

extension Raft {
    var logTerms: [Term] {
        log.last.index == .zero ? [] : log.slice(from: log.base.index.next, maximumBytes: .max).map(\.term)
    }
}
