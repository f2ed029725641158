@testable import Raft

// What clients want.
extension World {
    /// The node that leads in the newest term, among those that are up.
    var leader: NodeID? {
        nodes.filter { $0.raft?.role == .leader }.max {
            ($0.raft?.hardState.term ?? 0) < ($1.raft?.hardState.term ?? 0)
        }?.id
    }

    /// Proposes at a node; the bytes of the command begin with a token that no other command has.
    mutating func propose(at id: NodeID, count: Int = 1, bytes: Int = 16) throws {
        guard self[id].isUp else { return }
        var proposals: [Proposal] = []
        for _ in 0..<count {
            nextToken += 1
            var data: [UInt8] = []
            data.appendLittleEndian(nextToken)
            data += Array(repeating: UInt8(truncatingIfNeeded: nextToken), count: max(0, bytes - data.count))
            proposals.append(Proposal(token: nextToken, data: data[...]))
        }
        try step(id, .propose(proposals))
    }

    mutating func read(at id: NodeID) throws {
        let place = place(id)
        guard nodes[place].isUp, nodes[place].pausedUntil <= now else { return }
        nextToken += 1
        let token = ReadToken(rawValue: nextToken)
        nodes[place].openReads.append(token)
        invariants.readBegins(token)
        try step(id, .read(token))
    }

    mutating func transfer(at id: NodeID, to target: NodeID?) throws {
        guard self[id].isUp, self[id].pausedUntil <= now else { return }
        nodes[place(id)].transfersBegun += 1
        try step(id, .transferLeadership(to: target))
    }

    mutating func proposeAtRandom() throws {
        guard isDisturbed, let every = options.proposalEvery else { return }
        events.schedule(.proposal, at: now + workloadRandom.milliseconds(1...(2 * every)))
        let target = workloadRandom.chance(700) ? leader : workloadRandom.pick(membership.voters)
        guard let target, self[target].pausedUntil <= now else { return }
        let bytes = workloadRandom.number(8...options.maximumProposalBytes)
        try propose(at: target, count: workloadRandom.number(1...3), bytes: bytes)
    }

    mutating func readAtRandom() throws {
        guard isDisturbed, let every = options.readEvery else { return }
        events.schedule(.read, at: now + workloadRandom.milliseconds(1...(2 * every)))
        let target = workloadRandom.chance(600) ? leader : workloadRandom.pick(membership.voters)
        if let target { try read(at: target) }
    }
}
