import Testing

@testable import Raft

/// P13: a leader whose disk stands still keeps everybody calm with heartbeats, and applies nothing.
@Suite("Scenarios: disk stall")
struct DiskStallScenarios {
    @Test("P13: a leader whose disk stands still hands over to one whose disk works", arguments: [3, 5])
    func handsOver(nodes: Int) throws {
        var (world, leader) = try World.quiet(nodes: nodes)
        world.stallDisk(leader, for: 10_000)
        try world.propose(at: leader, count: 3)
        let settings = world.options.settings
        let time = try world.timeToNewLeader(than: leader, within: 5000)
        #expect(time ?? .max <= settings.diskStallMilliseconds + settings.heartbeatMilliseconds + 10)
        let new = try #require(world.leader)
        let before = world.commit(of: new)
        try world.run(for: 10)
        try world.propose(at: new)
        try world.run(for: 10)
        #expect(world.commit(of: new) > before)
        try world.run(for: 10_000)
        #expect(world.pendingReason() == nil, "\(world.describe())")
    }

    @Test("P13: if nobody takes over it gives up, and the others elect by their timeout")
    func givesUp() throws {
        var (world, leader) = try World.quiet(nodes: 3)
        world.stallDisk(leader, for: 10_000)
        world.drops = { $0.body == .timeoutNow }
        try world.propose(at: leader)
        let settings = world.options.settings
        let time = try world.timeToNewLeader(than: leader, within: 10_000)
        let election = 2 * (settings.electionMilliseconds + settings.electionJitterMilliseconds)
        #expect(time ?? .max <= 2 * settings.diskStallMilliseconds + settings.heartbeatMilliseconds + election)
        #expect(world[leader].raft?.role != .leader)
    }

    @Test("a slow disk, and a single node's, change nothing")
    func slowDisk() throws {
        var (world, leader) = try World.quiet(nodes: 3)
        world.stallDisk(leader, for: world.options.settings.diskStallMilliseconds - 60)
        try world.propose(at: leader)
        try world.run(for: 2000)
        #expect(world.leader == leader && world.pendingReason() == nil)
        var (single, node) = try World.quiet(nodes: 1)
        single.stallDisk(node, for: 5000)
        try single.propose(at: node)
        try single.run(for: 4000)
        #expect(single.leader == node)
        try single.run(for: 1100)
        #expect(single.pendingReason() == nil)
    }
}
