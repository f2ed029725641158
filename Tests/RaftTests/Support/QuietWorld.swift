@testable import Raft

extension World {
    /// A cluster without faults that has elected its first leader: messages take a millisecond, disks none.
    static func quiet(
        nodes: Int, seed: UInt64 = 1, _ change: (inout SimulationOptions) -> Void = { _ in }
    ) throws -> (world: World, leader: NodeID) {
        var options = SimulationOptions.quiet(nodes: nodes, seed: seed)
        change(&options)
        var world = World(options)
        let settled = try world.run(within: 5000) { $0.pendingReason() == nil }
        guard settled, let leader = world.leader else { throw Violation("a quiet cluster elects a leader") }
        return (world, leader)
    }

    func term(of id: NodeID) -> Term { self[id].raft?.hardState.term ?? .zero }
    func commit(of id: NodeID) -> LogIndex { self[id].raft?.commitIndex ?? .zero }
    func followers(of leader: NodeID) -> [NodeID] { membership.voters.filter { $0 != leader } }

    /// Lets time pass until another node leads; gives how long that took.
    mutating func timeToNewLeader(than old: NodeID, within limit: UInt64) throws -> UInt64? {
        let start = now
        let before = term(of: followers(of: old)[0])
        let found = try run(within: limit) { world in
            world.nodes.contains { $0.id != old && $0.raft?.role == .leader && ($0.raft?.hardState.term ?? 0) > before }
        }
        return found ? now - start : nil
    }
}
