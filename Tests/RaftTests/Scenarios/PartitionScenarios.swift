import Testing

@testable import Raft

@Suite("Scenarios: partitions")
struct PartitionScenarios {
    /// The six directed links of three nodes.
    private static let links: [(NodeID, NodeID)] = [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)]

    /// Whether some majority can talk in both directions.
    private func someMajorityTalks(_ mask: Int) -> Bool {
        func passes(_ from: NodeID, _ to: NodeID) -> Bool {
            !Self.links.enumerated().contains { mask & (1 << $0.offset) != 0 && $0.element == (from, to) }
        }
        return ([(1, 2), (1, 3), (2, 3)] as [(NodeID, NodeID)]).contains { passes($0, $1) && passes($1, $0) }
    }

    @Test(
        "P14: of all 64 sets of cut links, every one that leaves a majority talking lets it commit", arguments: 0..<64)
    func everyCut(mask: Int) throws {
        var (world, _) = try World.quiet(nodes: 3, seed: UInt64(mask + 1))
        for (bit, link) in Self.links.enumerated() where mask & (1 << bit) != 0 { world.cut(link.0, link.1) }
        try world.run(for: 4000)
        let before = world.invariants.committed.count
        for node in world.nodes where node.raft?.role == .leader { try world.propose(at: node.id) }
        try world.run(for: 500)
        if someMajorityTalks(mask) { #expect(world.invariants.committed.count > before, "\(world.describe())") }
        let terms = world.nodes.map { world.term(of: $0.id) }
        #expect(terms.allSatisfy { $0 <= 4 }, "nobody is deposed again and again: \(terms)")
        world.healAll()
        _ = try world.run(within: 4000) { $0.isLed(without: []) }
        try world.propose(at: try #require(world.leader))
        #expect(try world.run(within: 3000) { $0.pendingReason() == nil }, "\(world.describe())")
    }

    @Test("a leader cut off with its clients loses nothing that was committed, and its own tail goes")
    func isolatedLeader() throws {
        var (world, old) = try World.quiet(nodes: 3)
        world.isolate(old)
        try world.propose(at: old, count: 10)
        _ = try #require(try world.timeToNewLeader(than: old, within: 3000))
        #expect(world.commit(of: old) < 5, "its own proposals are on its disk only")
        try world.propose(at: try #require(world.leader), count: 3)
        try world.run(for: 1000)
        #expect(world[old].raft?.role != .leader, "it has noticed by itself")
        world.healAll()
        #expect(try world.run(within: 3000) { $0.pendingReason() == nil })
    }

    @Test("a node that was alone for long does not disturb when it comes back", arguments: Seeds.list(5))
    func rejoin(seed: UInt64) throws {
        var (world, leader) = try World.quiet(nodes: 5, seed: seed)
        let term = world.term(of: leader)
        let lonely = world.followers(of: leader)[1]
        world.isolate(lonely, closing: true)
        try world.run(for: 10_000)
        try world.propose(at: leader, count: 20)
        world.healAll()
        #expect(try world.run(within: 2000) { $0.pendingReason() == nil })
        #expect(world.leader == leader && world.term(of: leader) == term)
    }
}
