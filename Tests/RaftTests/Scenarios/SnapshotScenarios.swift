import Testing

@testable import Raft

@Suite("Scenarios: snapshots")
struct SnapshotScenarios {
    @Test("a member far behind what the log keeps is brought up by a snapshot", arguments: [0, 5])
    func farBehind(kept: Int) throws {
        var (world, leader) = try World.quiet(nodes: 3) {
            $0.snapshotEvery = 10
            $0.keptBehindSnapshot = kept
        }
        let late = world.followers(of: leader)[0]
        world.crash(late)
        for _ in 0..<50 {
            try world.propose(at: leader, count: 10)
            try world.run(for: 5)
        }
        try world.run(for: 200)
        #expect(world[leader].raft?.firstIndex ?? 0 > 400)
        world.start(late)
        #expect(try world.run(within: 2000) { $0.pendingReason() == nil }, "\(world.describe())")
        #expect(world.coverage.snapshotsInstalled == 1, "one, and the log for the rest")
        #expect(world.commit(of: late) > 500)
    }

    /// A leader whose log begins behind a snapshot at index 4, and a follower that has nothing.
    private func exchange() -> Exchange {
        var leader = Raft.node(1, of: 2, term: 1, logTerms: [1, 1, 1, 1, 1])
        leader.winElection()
        _ = leader.hears(.appendAccepted(match: 6), from: 2, term: 2)
        _ = leader.stepDurably(.applied(6), at: leader.now)
        let descriptor = SnapshotDescriptor(position: .at(4, 1), membership: .voters(2))
        _ = leader.stepDurably(.snapshotSaved(descriptor, compactThrough: 4), at: leader.now)
        leader.leadership?.peers[0] = Progress(id: 2, next: 5, now: leader.now)
        return Exchange([leader, Raft.node(2, of: 2)])
    }

    private func beat(_ exchange: inout Exchange, after milliseconds: UInt64) -> [Effect] {
        let now = exchange[1].now + milliseconds
        let effects = exchange[1].stepDurably(.tick, at: now)
        guard let round = exchange[1].leadership?.round else { return effects }
        return effects + exchange[1].hears(.heartbeatResponse(round: round), from: 2, term: 2, at: now)
    }

    private func snapshots(_ effects: [Effect]) -> Int {
        effects.filter { if case .sendSnapshot = $0 { true } else { false } }.count
    }

    @Test("P17: while a snapshot's bytes are under way no second one is sent")
    func oneAtATime() {
        var exchange = exchange()
        var sent = snapshots(exchange[1].hears(.appendRejected(rejected: 4, hint: .zero), from: 2, term: 2))
        for _ in 0..<100 { sent += snapshots(beat(&exchange, after: 50)) }
        sent += snapshots(exchange[1].hears(.appendRejected(rejected: 4, hint: .zero), from: 2, term: 2))
        #expect(sent == 1)
    }

    @Test("a snapshot of what is here already, and an older one, are acknowledged and not installed")
    func needless() {
        var node = Raft.node(2, of: 3, term: 2, logTerms: [1, 1, 2])
        let known = SnapshotDescriptor(position: .at(2, 1), membership: .voters(3))
        #expect(node.hears(.installSnapshot(known), from: 1, term: 2).bodies == [.appendAccepted(match: 2)])
        #expect(node.commitIndex == 2)
        let older = SnapshotDescriptor(position: .at(1, 1), membership: .voters(3))
        #expect(node.hears(.installSnapshot(older), from: 1, term: 2).bodies == [.appendAccepted(match: 2)])
    }

    @Test("while a snapshot is installed the log stands still, and the node neither campaigns nor commits")
    func installing() {
        var node = Raft.node(2, of: 3, term: 2, logTerms: [1])
        let descriptor = SnapshotDescriptor(position: .at(9, 2), membership: .voters(3))
        #expect(node.hears(.installSnapshot(descriptor), from: 1, term: 2).contains(.installSnapshot(descriptor)))
        let append = Message.AppendEntries(previous: .at(1, 1), entries: [.command(2, 2)], commit: 2)
        #expect(node.hears(.appendEntries(append), from: 1, term: 2).isEmpty)
        #expect(node.hears(.heartbeat(commit: 9, round: 4), from: 1, term: 2).bodies == [.heartbeatResponse(round: 4)])
        _ = node.stepDurably(.tick, at: node.nextDeadline)
        #expect(node.role == .follower && node.lastLog == .at(1, 1) && node.commitIndex == 0)
        _ = node.hears(.heartbeat(commit: 9, round: 5), from: 1, term: 2)
        let effects = node.stepDurably(.snapshotInstalled(descriptor), at: node.now)
        #expect(effects.bodies == [.appendAccepted(match: 9)])
        #expect(node.lastLog == .at(9, 2) && node.commitIndex == 9 && node.appliedIndex == 9)
    }

    @Test(
        "while a snapshot is installed nothing more is handed out: the state machine would meet it behind the snapshot")
    func nothingBehindTheSnapshot() {
        var settings = RaftSettings(seed: 1)
        settings.maximumApplyEntries = 1
        var node = Raft.node(2, of: 3, term: 2, logTerms: [1, 1], settings: settings)
        #expect(node.hears(.heartbeat(commit: 2, round: 1), from: 1, term: 2).applied.map(\.index) == [1])
        let descriptor = SnapshotDescriptor(position: .at(9, 2), membership: .voters(3))
        _ = node.hears(.installSnapshot(descriptor), from: 1, term: 2)
        #expect(node.stepDurably(.applied(1), at: node.now).applied.isEmpty)
    }

    @Test("progress reported from before an installed snapshot is ignored")
    func lateProgress() {
        var node = Raft.node(2, of: 3, term: 2, logTerms: [1, 1])
        _ = node.hears(.heartbeat(commit: 2, round: 1), from: 1, term: 2)
        let descriptor = SnapshotDescriptor(position: .at(9, 2), membership: .voters(3))
        _ = node.hears(.installSnapshot(descriptor), from: 1, term: 2)
        _ = node.stepDurably(.snapshotInstalled(descriptor), at: node.now)
        _ = node.stepDurably(.applied(2), at: node.now)
        #expect(node.appliedIndex == 9)
    }
}
