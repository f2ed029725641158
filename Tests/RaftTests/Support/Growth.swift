@testable import Raft

extension Exchange {
    /// Voters 1… with node 1 as their leader, and strangers with empty logs that nobody knows yet.
    static func led(voters: Int, strangers: [NodeID] = []) -> Exchange {
        var exchange = Exchange((1...UInt64(voters)).map { Raft.node(NodeID($0), of: voters) })
        exchange.elect(1)
        for id in strangers { exchange.nodes.append(.stranger(id)) }
        return exchange
    }

    /// Lets time pass at one voter until it campaigns, and everybody answer.
    mutating func elect(_ id: NodeID) {
        advance(byMilliseconds: 1000)
        step(id, .tick)
        _ = settle()
        precondition(self[id].role == .leader, "everybody voted for \(id)")
    }

    /// Time passes for everybody at once, without a tick.
    mutating func advance(byMilliseconds milliseconds: UInt64) {
        for place in nodes.indices { nodes[place].now = nodes[place].now + milliseconds }
    }

    /// One heartbeat after another, each answered by everybody who is here.
    mutating func beat(_ leader: NodeID, times: Int = 2) {
        for _ in 0..<times {
            advance(byMilliseconds: self[leader].settings.heartbeatMilliseconds)
            step(leader, .tick)
            _ = settle()
        }
    }

    /// Asks for a change; gives the answer.
    @discardableResult
    mutating func change(at leader: NodeID, _ change: MembershipChange) -> Result<LogIndex, MembershipRejection>? {
        for effect in step(leader, .changeMembership(7, change)) {
            switch effect {
            case .membershipChangeAccepted(7, let index): return .success(index)
            case .membershipChangeRejected(7, let reason): return .failure(reason)
            default: break
            }
        }
        return nil
    }

    mutating func lose(_ isLost: (Message) -> Bool) { underWay.removeAll(where: isLost) }
    mutating func remove(_ id: NodeID) { nodes.removeAll { $0.id == id } }
}

extension Raft {
    /// A node with an empty log that is told nothing of the cluster.
    static func stranger(_ id: NodeID) -> Raft {
        Raft(
            id: id, settings: RaftSettings(seed: id.rawValue),
            restored: Restored(
                hardState: .initial, snapshot: SnapshotDescriptor(position: .zero, membership: .empty), base: .zero,
                entries: []),
            now: Tick(1000))
    }

    /// Proposes commands of four bytes.
    static func commands(_ count: Int) -> Input {
        .propose((0..<count).map { Proposal(token: UInt64($0), data: [1, 2, 3, 4][...]) })
    }
}
