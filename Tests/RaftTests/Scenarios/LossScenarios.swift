import Testing

@testable import Raft

@Suite("Scenarios: losses and limits")
struct LossScenarios {
    @Test("a message lost out of a full window is found and sent again", arguments: 0..<4)
    func lostInWindow(which: Int) throws {
        var (world, leader) = try World.quiet(nodes: 3) { $0.settings.maximumAppendBytes = 100 }
        let member = world.followers(of: leader)[0]
        let counter = Counter()
        world.drops = { message in
            guard message.to == member, case .appendEntries(let append) = message.body, !append.entries.isEmpty else {
                return false
            }
            counter.value += 1
            return counter.value == which + 1
        }
        try world.propose(at: leader, count: 20, bytes: 64)
        #expect(try world.run(within: 500) { $0.pendingReason() == nil }, "\(world.describe())")
        #expect(counter.value > 4, "more than one window was sent")
    }

    @Test("a whole window lost without a word is found within three heartbeats")
    func lostWindow() throws {
        var (world, leader) = try World.quiet(nodes: 3) { $0.settings.maximumAppendBytes = 100 }
        let member = world.followers(of: leader)[0]
        world.drops = { $0.to == member }
        try world.propose(at: leader, count: 20, bytes: 64)
        try world.run(for: 5)
        world.drops = nil
        #expect(try world.run(within: 3 * 50 + 40) { $0.pendingReason() == nil }, "\(world.describe())")
    }

    @Test("lost answers are made up for by the next ones")
    func lostAnswers() throws {
        var (world, leader) = try World.quiet(nodes: 3)
        world.drops = { if case .appendAccepted = $0.body { true } else { false } }
        try world.propose(at: leader, count: 5)
        try world.run(for: 20)
        #expect(world.commit(of: leader) < 5)
        world.drops = nil
        #expect(try world.run(within: 300) { $0.pendingReason() == nil })
    }

    @Test("a follower learns of a commit although the message that told it was lost")
    func lostCommit() throws {
        var (world, leader) = try World.quiet(nodes: 3)
        let member = world.followers(of: leader)[0]
        world.drops = { message in
            if message.to == member, case .heartbeat(_, round: 0) = message.body { true } else { false }
        }
        try world.propose(at: leader)
        #expect(try world.run(within: 100) { $0.pendingReason() == nil })
    }

    @Test("a proposal of the greatest size is taken, a larger one refused with the limit")
    func tooLarge() {
        var settings = RaftSettings(seed: 1)
        settings.maximumProposalBytes = 10
        var leader = Raft.node(1, of: 1, settings: settings)
        leader.winElection()
        let proposals = [10, 11].map { Proposal(token: UInt64($0), data: Array(repeating: 0, count: $0)[...]) }
        let effects = leader.stepDurably(.propose(proposals), at: leader.now)
        #expect(effects.contains(.proposalsRejected([11], .tooLarge(limitBytes: 10))))
        #expect(effects.applied.map(\.data.count) == [10])
    }

    @Test("uncommitted bytes are counted up to the limit, and given back when they are committed")
    func overloaded() {
        var settings = RaftSettings(seed: 1)
        settings.maximumUncommittedBytes = 3 * (100 + Entry.overheadBytes)
        var leader = Raft.node(1, of: 3, settings: settings)
        leader.winElection()
        _ = leader.hears(.appendAccepted(match: 1), from: 2, term: 1)
        let proposals = (1...5).map { Proposal(token: $0, data: Array(repeating: 0, count: 100)[...]) }
        let effects = leader.stepDurably(.propose(proposals), at: leader.now)
        #expect(effects.contains(.proposalsRejected([4, 5], .overloaded)))
        #expect(leader.leadership?.uncommittedBytes == settings.maximumUncommittedBytes)
        _ = leader.hears(.appendAccepted(match: 2), from: 2, term: 1)
        #expect(leader.leadership?.uncommittedBytes == 2 * 132)
        let more = leader.stepDurably(.propose(Array(proposals.prefix(2))), at: leader.now)
        #expect(more.contains(.proposalsRejected([2], .overloaded)))
        _ = leader.hears(.appendAccepted(match: 5), from: 3, term: 1)
        #expect(leader.leadership?.uncommittedBytes == 0)
    }

    @Test("the limit of uncommitted bytes is one that is kept, headers included")
    func overloadedByOneByte() {
        var settings = RaftSettings(seed: 1)
        settings.maximumUncommittedBytes = 3 * (100 + Entry.overheadBytes) - 1
        var leader = Raft.node(1, of: 3, settings: settings)
        leader.winElection()
        let proposals = (1...3).map { Proposal(token: $0, data: Array(repeating: 0, count: 100)[...]) }
        let effects = leader.stepDurably(.propose(proposals), at: leader.now)
        #expect(effects.contains(.proposalsRejected([3], .overloaded)))
    }

    @Test("one proposal is always let in, so that a small limit cannot stop the cluster")
    func alwaysOne() {
        var settings = RaftSettings(seed: 1)
        settings.maximumUncommittedBytes = 1
        var leader = Raft.node(1, of: 3, settings: settings)
        leader.winElection()
        let proposals = (1...2).map { Proposal(token: $0, data: [1, 2, 3]) }
        let effects = leader.stepDurably(.propose(proposals), at: leader.now)
        #expect(effects.contains(.proposalsRejected([2], .overloaded)))
    }

    @Test("what a former leader left uncommitted does not count against the new one")
    func inheritedBytes() {
        var leader = Raft.node(1, of: 3, term: 1, logTerms: Array(repeating: 1, count: 50))
        leader.winElection()
        _ = leader.stepDurably(.propose([Proposal(token: 1, data: [1])]), at: leader.now)
        #expect(leader.leadership?.uncommittedBytes == 33)
        _ = leader.hears(.appendAccepted(match: 52), from: 2, term: 2)
        #expect(leader.commitIndex == 52 && leader.leadership?.uncommittedBytes == 0)
    }

    /// Shared with the closure that drops messages.
    private final class Counter {
        var value = 0
    }
}
