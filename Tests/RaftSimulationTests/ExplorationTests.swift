import Testing

@testable import RaftSimulation

/// Every order of events of three nodes, within small bounds: `amas-sim explore` goes further.
@Suite("Exploration")
struct ExplorationTests {
    @Test(
        "one election, with every message late, lost or twice and every write slow: nothing breaks, and everything is seen"
    )
    func oneElection() {
        var bounds = ExplorationBounds()
        bounds.timeouts = 1
        bounds.proposals = 0
        bounds.crashes = 0
        let report = Exploration.run(bounds)
        #expect(report.violation == nil, "\(report.way)")
        #expect(report.isComplete && report.states > 5000 && report.depth > 20)
    }
}
