import Raft

/// A cluster between two events, with what must be remembered to judge it; nodes and messages by their numbers in the catalogue.
/// Two ways that lead to equal states are one.
struct ExploredState: Hashable {
    struct Action {
        var place: Int
        var event: ExplorationCatalogue.Event
    }

    private(set) var nodes: [Int]
    /// All that were ever sent, a bit for each. Any of them may arrive next, as often as it likes: late, twice or never. So a
    /// message that changes nothing where it arrives leads to no new state.
    private var sent: [UInt64] = []
    private var leaders: [Int] = []
    private var committed: [Term] = []
    private var timeouts: Int
    private var proposals: Int
    private var crashes: Int

    init(nodes count: Int, _ bounds: ExplorationBounds, _ catalogue: ExplorationCatalogue) {
        let membership = Membership(voters: (1...UInt64(count)).map { NodeID($0) })
        nodes = membership.voters.map { catalogue.number(of: ExploredNode($0, of: membership)) }
        timeouts = bounds.timeouts
        proposals = bounds.proposals
        crashes = bounds.crashes
    }

    /// Lets node 1 be elected, and everything arrive and become durable until nothing changes any more. What was sent on the
    /// way has arrived, and does not come again.
    mutating func settle(_ catalogue: ExplorationCatalogue) throws(Violation) {
        let given = (timeouts, proposals, crashes)
        (timeouts, proposals, crashes) = (1, 0, 0)
        _ = try perform(Action(place: 0, event: .timeOut), catalogue)
        var changes = true
        while changes {
            changes = false
            for action in actions(catalogue) where try perform(action, catalogue) {
                changes = true
                break
            }
        }
        precondition(
            nodes.allSatisfy { catalogue.standings[$0].committed == committed } && !committed.isEmpty,
            "a leader that all hear commits its first entry, and tells of it")
        sent = []
        (timeouts, proposals, crashes) = given
    }

    // MARK: What may happen

    func actions(_ catalogue: ExplorationCatalogue) -> [Action] {
        var actions: [Action] = []
        for (word, bits) in sent.enumerated() {
            var rest = bits
            while rest != 0 {
                let message = word * 64 + rest.trailingZeroBitCount
                rest &= rest - 1
                let place = Int(catalogue.messages[message].to.rawValue) - 1
                actions.append(Action(place: place, event: .hear(message)))
            }
        }
        for place in nodes.indices {
            let node = catalogue.standings[nodes[place]]
            if node.writes > 0 { actions.append(Action(place: place, event: .persist)) }
            if timeouts > 0, !node.isLeader { actions.append(Action(place: place, event: .timeOut)) }
            if proposals > 0, node.isLeader { actions.append(Action(place: place, event: .propose)) }
            if crashes > 0 {
                for kept in 0...node.writes {
                    actions.append(Action(place: place, event: .crash(keeping: kept)))
                }
            }
        }
        return actions
    }

    /// False if nothing changes.
    mutating func perform(_ action: Action, _ catalogue: ExplorationCatalogue) throws(Violation) -> Bool {
        let place = action.place
        let outcome = catalogue.outcome(of: action.event, at: nodes[place])
        let isKnown = outcome.node == nodes[place] && outcome.sent.allSatisfy(contains)
        switch action.event {
        case .hear, .persist: if isKnown { return false }
        case .timeOut: timeouts -= 1
        case .propose: proposals -= 1
        case .crash: crashes -= 1
        }
        nodes[place] = outcome.node
        for message in outcome.sent where !contains(message) {
            try check(catalogue.messages[message], catalogue)
            while sent.count <= message / 64 { sent.append(0) }
            sent[message / 64] |= 1 << UInt64(message % 64)
        }
        try check(place, catalogue)
        return true
    }

    private func contains(_ message: Int) -> Bool {
        message / 64 < sent.count && sent[message / 64] & 1 << UInt64(message % 64) != 0
    }

    // MARK: What must hold

    /// For whom a message's sender has voted, if it speaks of a vote.
    private func candidate(_ message: Message) -> NodeID? {
        switch message.body {
        case .voteResponse(granted: true): message.to
        case .voteRequest: message.from
        default: nil
        }
    }

    private func check(_ message: Message, _ catalogue: ExplorationCatalogue) throws(Violation) {
        guard let candidate = candidate(message) else { return }
        for number in 0..<sent.count * 64 where contains(number) {
            let earlier = catalogue.messages[number]
            guard earlier.from == message.from, earlier.term == message.term, let other = self.candidate(earlier),
                other != candidate
            else { continue }
            throw Violation(
                "VoteOnce", "node \(message.from) votes for \(other) and \(candidate) in term \(message.term)")
        }
    }

    private mutating func check(_ place: Int, _ catalogue: ExplorationCatalogue) throws(Violation) {
        let node = catalogue.standings[nodes[place]]
        if node.isLeader {
            while leaders.count <= node.term { leaders.append(0) }
            guard leaders[node.term] == 0 || leaders[node.term] == node.id else {
                throw Violation("ElectionSafety", "\(leaders[node.term]) and \(node.id) lead in term \(node.term)")
            }
            leaders[node.term] = node.id
        }
        for (known, own) in node.committed.enumerated() {
            if known < committed.count {
                guard committed[known] == own else {
                    throw Violation("CommittedImmutable", "node \(node.id) commits another entry at \(known + 1)")
                }
            } else {
                let index = LogIndex(UInt64(known) + 1)
                let copies = nodes.count { catalogue.nodes[$0].holds(index, term: own) }
                guard copies > nodes.count / 2 else {
                    throw Violation("CommittedOnQuorum", "\(index) is committed, and on \(copies) disks")
                }
                committed.append(own)
            }
        }
    }
}
