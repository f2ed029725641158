import Testing

@testable import RaftSimulation
@testable import amas_sim

/// Every order of events of three nodes, within small bounds: `amas-sim explore` goes further.
@Suite("Exploration")
struct ExplorationTests {
    @Test(
        "with every message late, lost or repeated and every write slow nothing breaks, and everything is seen",
        arguments: ExplorationBounds.standard)
    func everyOrder(bounds: ExplorationBounds) {
        let report = Exploration.run(bounds)
        #expect(report.violation == nil, "\(report.way)")
        #expect(report.isComplete && report.states > 250 && report.depth > 10)
    }

    @Test("what is seen whole has an election and a crash, and a proposal with a timeout or a crash")
    func extent() {
        let standard = ExplorationBounds.standard
        #expect(standard.contains { $0.timeouts > 0 && $0.crashes > 0 })
        #expect(standard.contains { $0.timeouts > 0 && $0.proposals > 0 })
        #expect(standard.contains { $0.proposals > 0 && $0.crashes > 0 })
    }

    @Test("a search that is given up says so, and how much was left")
    func givenUp() {
        var bounds = ExplorationBounds(timeouts: 1, proposals: 1, crashes: 1)
        bounds.states = 1000
        let report = Exploration.run(bounds)
        #expect(report.violation == nil && !report.isComplete && report.left > 100)
        #expect(report.summary.contains("INCOMPLETE") && report.summary.contains("\(report.left)"))
    }
}
