import Testing

@testable import Raft

@Suite("Scenarios: transfer")
struct TransferScenarios {
    @Test("at SIGTERM the most caught-up voter leads within a few milliseconds", arguments: [2, 3, 5])
    func orderly(nodes: Int) throws {
        var (world, leader) = try World.quiet(nodes: nodes)
        try world.propose(at: leader, count: 5)
        try world.transfer(at: leader, to: nil)
        let time = try world.timeToNewLeader(than: leader, within: 1000)
        #expect(time ?? .max <= 8, "entries, timeout-now, one round of votes")
        try world.run(for: 100)
        let new = try #require(world.leader)
        #expect(new != leader && world[leader].transferOutcomes == [.completed(new)])
        #expect(world.pendingReason() == nil)
    }

    @Test("P24: during a transfer proposals are refused, and taken again when it fails", arguments: [true, false])
    func failed(targetIsDead: Bool) throws {
        var (world, leader) = try World.quiet(nodes: 3)
        let target = world.followers(of: leader)[0]
        if targetIsDead { world.crash(target, closingLinks: false) }
        world.drops = { $0.body == .timeoutNow }
        try world.propose(at: leader, count: 5)
        try world.transfer(at: leader, to: target)
        let rejected = world.coverage.proposalsRejected
        try world.propose(at: leader)
        #expect(world.coverage.proposalsRejected == rejected + 1)
        try world.run(for: world.options.settings.electionMilliseconds + 1)
        #expect(world[leader].transferOutcomes == [.timedOut])
        #expect(world.leader == leader)
        let before = world.commit(of: leader)
        try world.propose(at: leader)
        try world.run(for: 20)
        #expect(world.commit(of: leader) == before.next)
    }

    @Test("a transfer to nobody, to oneself or at a node that does not lead ends at once")
    func noTarget() throws {
        var (world, leader) = try World.quiet(nodes: 3)
        let follower = world.followers(of: leader)[0]
        try world.transfer(at: follower, to: nil)
        try world.transfer(at: leader, to: leader)
        try world.transfer(at: leader, to: 9)
        #expect(world[follower].transferOutcomes == [.noTarget])
        #expect(world[leader].transferOutcomes == [.noTarget, .noTarget])
    }

    @Test("a leader that loses its quorum in a transfer does not call it completed")
    func lostQuorum() {
        var leader = Raft.node(1, of: 3)
        leader.winElection()
        _ = leader.hears(.appendAccepted(match: 1), from: 2, term: 1)
        _ = leader.stepDurably(.tick, at: Tick(leader.now.rawValue + leader.settings.electionMilliseconds))
        #expect(leader.role == .leader)
        let almost = Tick(leader.now.rawValue + 400)
        _ = leader.hears(.heartbeatResponse(round: 1), from: 2, term: 1, at: leader.now + 10)
        leader.leadership?.peers[0].isActive = false
        let told = leader.stepDurably(.transferLeadership(to: 2), at: almost)
        #expect(told.bodies.contains(.timeoutNow))
        var effects: [Effect] = []
        while leader.role == .leader { effects += leader.stepDurably(.tick, at: max(leader.now, leader.nextDeadline)) }
        #expect(effects.contains(.transferEnded(.timedOut)))
    }

    @Test("a follower campaigns only when its own leader asks, and only as a voter")
    func whoMayAsk() {
        var node = Raft.node(2, of: 3, term: 5)
        _ = node.hears(.heartbeat(commit: 0, round: 1), from: 1, term: 5)
        _ = node.hears(.timeoutNow, from: 3, term: 5)
        #expect(node.role == .follower)
        _ = node.hears(.timeoutNow, from: 1, term: 4)
        #expect(node.role == .follower)
        _ = node.hears(.timeoutNow, from: 1, term: 5)
        #expect(node.role == .candidate && node.hardState.term == 6)
    }
}
