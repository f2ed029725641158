import Testing

@testable import Raft

/// The real Raft in a few hundred random worlds: every invariant after every step, then the faults end and it must serve.
@Suite("Simulation")
struct SimulationTests {
    static let batches = 12
    static let seedsInBatch = 25

    @Test("no invariant breaks under faults, and the cluster serves when they end", arguments: 0..<batches)
    func swarm(batch: Int) {
        if Seeds.replayed != nil, batch > 0 { return }
        var total = Coverage()
        for seed in Seeds.list(Self.seedsInBatch, from: UInt64(batch * Self.seedsInBatch + 1)) {
            var world = World(.swarm(seed: seed))
            do {
                try world.play()
            } catch {
                Issue.record("\(error)\n\(Seeds.replay(seed, "SimulationTests"))")
            }
            world.coverage.committed = world.invariants.committed.count
            total += world.coverage
        }
        guard Seeds.replayed == nil else { return }
        #expect(total.missing == [], "a batch in which these never happened shows nothing")
        #expect(total.committed > 500)
    }

    @Test("a seed plays the same twice", arguments: [15, 92] as [UInt64])
    func determinism(seed: UInt64) throws {
        var traces: [TraceHash] = []
        for _ in 0..<2 {
            var world = World(.swarm(seed: seed))
            try world.play()
            traces.append(world.trace)
        }
        #expect(traces[0] == traces[1], "\(Seeds.replay(seed, "SimulationTests"))")
    }
}
