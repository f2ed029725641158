@testable import Raft

/// Messages as correct members make them, of every kind.
struct RandomMessages {
    var random: SeededRandom

    mutating func message() -> Message {
        let from = NodeID(random.milliseconds(1...7))
        let to = NodeID(from.rawValue % 7 + 1)
        let term = Term(random.milliseconds(20...40))
        return Message(from: from, to: to, term: term, body: body(random.number(0...11), term: term))
    }

    private mutating func body(_ kind: Int, term: Term) -> Message.Body {
        switch kind {
        case 0: .preVoteRequest(lastLog: position())
        case 1: .preVoteResponse(granted: random.chance(500), candidacy: term.next)
        case 2: .voteRequest(lastLog: position(), transfer: random.chance(500))
        case 3: .voteResponse(granted: random.chance(500))
        case 4: .appendEntries(append())
        case 5: .appendAccepted(match: index())
        case 6: .appendRejected(rejected: index().next, hint: position())
        case 7: .heartbeat(commit: index(), round: random.next())
        case 8: .heartbeatResponse(round: random.next())
        case 9: .installSnapshot(SnapshotDescriptor(position: .at(index().next, 9), membership: membership()))
        case 10: .timeoutNow
        default: .staleTerm
        }
    }

    mutating func index() -> LogIndex { LogIndex(random.milliseconds(0...1000)) }

    mutating func position() -> LogPosition {
        random.chance(100) ? .zero : .at(index().next, Term(random.milliseconds(1...20)))
    }

    mutating func membership() -> Membership {
        let voters = random.number(1...5)
        return Membership(
            voters: (1...UInt64(voters)).map { NodeID($0) }, outgoing: random.chance(500) ? [] : [1, 9],
            joining: random.chance(500) ? [] : [20, 21], gateways: random.chance(500) ? [] : [30])
    }

    mutating func append() -> Message.AppendEntries {
        let previous = position()
        var entries: [Entry] = []
        var term = max(previous.term, 1)
        for _ in 0..<random.number(0...4) {
            if random.chance(300) { term = Term(min(20, term.rawValue + 1)) }
            let index = previous.index + (entries.count + 1)
            switch random.number(0...3) {
            case 0: entries.append(Entry(index: index, term: term, kind: .noop, data: []))
            case 1: entries.append(.configuration(index, term, membership()))
            default: entries.append(.command(index, term, bytes: random.number(0...30)))
            }
        }
        return Message.AppendEntries(previous: previous, entries: entries[...], commit: index())
    }
}
