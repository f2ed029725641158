@testable import Raft

extension NodeID: ExpressibleByIntegerLiteral {
    init(integerLiteral value: UInt64) { self.init(value) }
}

extension Term: ExpressibleByIntegerLiteral {
    init(integerLiteral value: UInt64) { self.init(value) }
}

extension LogIndex: ExpressibleByIntegerLiteral {
    init(integerLiteral value: UInt64) { self.init(value) }
}

extension LogPosition {
    static func at(_ index: LogIndex, _ term: Term) -> LogPosition { LogPosition(index: index, term: term) }
}

extension Membership {
    static func voters(_ count: Int) -> Membership { Membership(voters: (1...UInt64(count)).map { NodeID($0) }) }
}

extension Entry {
    /// A command whose bytes tell where it was written, so that two entries of one place and term differ only by mistake.
    static func command(_ index: LogIndex, _ term: Term, bytes: Int = 4) -> Entry {
        let byte = UInt8(truncatingIfNeeded: index.rawValue &* 31 &+ term.rawValue)
        return Entry(index: index, term: term, kind: .command, data: Array(repeating: byte, count: bytes)[...])
    }

    static func configuration(_ index: LogIndex, _ term: Term, _ membership: Membership) -> Entry {
        Entry(index: index, term: term, kind: .configuration, data: membership.encoded()[...])
    }
}

extension Raft {
    /// A node that starts with a log whose entries have these terms, the first at index 1.
    static func node(
        _ id: NodeID, of voters: Int, term: Term = .zero, votedFor: NodeID? = nil, logTerms: [Term] = [],
        settings: RaftSettings = RaftSettings(seed: 1)
    ) -> Raft {
        let entries = logTerms.enumerated().map { Entry.command(LogIndex(UInt64($0.offset + 1)), $0.element) }
        return Raft(
            id: id, settings: settings,
            restored: Restored(
                hardState: HardState(term: max(term, logTerms.last ?? .zero), votedFor: votedFor),
                snapshot: SnapshotDescriptor(position: .zero, membership: .voters(voters)),
                base: .zero, entries: entries),
            now: .zero)
    }

    /// Gives a message as it comes from a peer, and makes every write durable at once.
    mutating func hears(_ body: Message.Body, from peer: NodeID, term: Term, at now: Tick? = nil) -> [Effect] {
        stepDurably(.message(Message(from: peer, to: id, term: term, body: body)), at: now ?? self.now)
    }

    /// One step on a disk that takes no time: what a write's completion brings is part of the answer.
    mutating func stepDurably(_ input: Input, at now: Tick) -> [Effect] {
        var all = step(input, at: now)
        var place = 0
        while place < all.count {
            if case .persist(let write) = all[place] { all += step(.persisted(write.token), at: now) }
            place += 1
        }
        return all
    }

    /// Makes a voter the leader of its next term, with the votes of all others.
    mutating func winElection() {
        let due = max(now, nextDeadline)
        _ = stepDurably(.tick, at: due)
        if role == .preCandidate {
            let candidacy = hardState.term.next
            for peer in membership.members where peer != id && role == .preCandidate {
                _ = hears(.preVoteResponse(granted: true, candidacy: candidacy), from: peer, term: hardState.term)
            }
        }
        for peer in membership.members where peer != id && role == .candidate {
            _ = hears(.voteResponse(granted: true), from: peer, term: hardState.term)
        }
        precondition(role == .leader, "everybody voted for it")
    }
}

extension [Effect] {
    var messages: [Message] {
        compactMap { if case .send(let message) = $0 { message } else { nil } }
    }

    var bodies: [Message.Body] { messages.map(\.body) }

    func messages(to peer: NodeID) -> [Message] { messages.filter { $0.to == peer } }

    var appends: [Message.AppendEntries] {
        bodies.compactMap { if case .appendEntries(let append) = $0 { append } else { nil } }
    }

    var applied: [Entry] {
        flatMap { (effect: Effect) -> [Entry] in if case .apply(let entries) = effect { entries } else { [] } }
    }

    var writes: [Write] {
        compactMap { if case .persist(let write) = $0 { write } else { nil } }
    }
}
