import Testing

@testable import Raft

/// Fast suspicion: the kernel of a dead process closes its connections, and nobody waits for a timeout.
@Suite("Scenarios: failover")
struct FailoverScenarios {
    @Test(
        "when the leader's process dies another leads within the stagger, a few milliseconds and two rounds",
        arguments: [3, 5, 7], Seeds.list(5))
    func processDeath(nodes: Int, seed: UInt64) throws {
        var (world, leader) = try World.quiet(nodes: nodes, seed: seed)
        world.crash(leader, closingLinks: true)
        let settings = world.options.settings
        // Closing takes up to 1 ms; the first in rank may ask before the others have seen it, and asks again; then a round of
        // pre-votes and one of votes, 2 ms each.
        let bound = max(settings.suspicionRetryMilliseconds, settings.suspicionStaggerMilliseconds) + 1 + 4 + 2
        let time = try world.timeToNewLeader(than: leader, within: 2000)
        #expect(time ?? .max <= bound)
        #expect(try world.run(within: 200) { $0.isLed(without: [leader]) })
    }

    @Test("a leader's host that dies without a word is replaced after the election timeout", arguments: Seeds.list(5))
    func hostDeath(seed: UInt64) throws {
        var (world, leader) = try World.quiet(nodes: 3, seed: seed)
        world.crash(leader, closingLinks: false)
        let settings = world.options.settings
        let time = try world.timeToNewLeader(than: leader, within: 5000) ?? .max
        #expect(time + settings.heartbeatMilliseconds + 2 >= settings.electionMilliseconds)
        #expect(time <= 2 * (settings.electionMilliseconds + settings.electionJitterMilliseconds) + 10)
    }

    @Test("a single cut link elects nobody, whether its ends notice or not", arguments: [true, false], [3, 5])
    func oneCutLink(closing: Bool, nodes: Int) throws {
        var (world, leader) = try World.quiet(nodes: nodes)
        let term = world.term(of: leader)
        world.cutBoth(leader, world.followers(of: leader)[0], closing: closing)
        try world.run(for: 5000)
        #expect(world.leader == leader && world.term(of: leader) == term)
        world.healAll()
        try world.propose(at: leader, count: 3)
        #expect(try world.run(within: 2000) { $0.pendingReason() == nil })
        #expect(world.leader == leader && world.term(of: leader) == term)
    }

    @Test("a connection that closes and opens again changes nothing", arguments: Seeds.list(5))
    func flap(seed: UInt64) throws {
        var (world, leader) = try World.quiet(nodes: 3, seed: seed)
        let term = world.term(of: leader)
        let follower = world.followers(of: leader)[0]
        world.closeLink(follower, leader)
        try world.run(for: 2)
        world.openLink(follower, leader)
        #expect(try world.run(within: 500) { $0.pendingReason() == nil })
        #expect(world.leader == leader && world.term(of: leader) == term)
    }

    @Test("suspicion ends with a message of the leader, and with time")
    func suspicionEnds() {
        var node = Raft.node(2, of: 3, term: 5)
        _ = node.hears(.heartbeat(commit: 0, round: 1), from: 1, term: 5)
        _ = node.step(.linkDown(1), at: .zero)
        #expect(node.suspicion != nil && node.role == .preCandidate)
        _ = node.hears(.heartbeat(commit: 0, round: 2), from: 1, term: 5)
        #expect(node.suspicion == nil && node.hearsLeader)
        _ = node.step(.linkDown(1), at: .zero)
        var asked = 0
        while node.now < Tick(2000) { asked += node.stepDurably(.tick, at: node.nextDeadline).messages.count / 2 }
        #expect(node.suspicion == nil)
        let quick = Int(node.settings.electionMilliseconds / node.settings.suspicionRetryMilliseconds)
        #expect(asked <= quick + 5, "quick questions end with suspicion, the ordinary ones go on")
    }

    @Test("a leader stopped past the election timeout finds another one and follows it", arguments: Seeds.list(5))
    func pausedLeader(seed: UInt64) throws {
        var (world, leader) = try World.quiet(nodes: 3, seed: seed)
        world.pause(leader, for: 3000)
        _ = try #require(try world.timeToNewLeader(than: leader, within: 2500))
        try world.propose(at: try #require(world.leader), count: 5)
        try world.run(for: 3000)
        #expect(world.pendingReason() == nil)
        #expect(world.leader != leader)
    }
}
