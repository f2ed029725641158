import ArgumentParser
import RaftSimulation

struct ExploreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore", abstract: "Tries the orders of events of three nodes, within bounds.")

    @Option(help: "Election timeouts, of all nodes together.")
    var timeouts = 2

    @Option(help: "Commands that are proposed.")
    var proposals = 1

    @Option(help: "Crashes, of all nodes together.")
    var crashes = 1

    @Option(help: "States after which it is given up.")
    var states = 1_000_000

    @Option(help: "A bug to bring back, in a build that has them.")
    var mutant: String?

    func run() throws {
        if let mutant, !Simulation.bringBack(mutant) { throw ValidationError("This build has no bug \(mutant).") }
        var bounds = ExplorationBounds()
        bounds.timeouts = timeouts
        bounds.proposals = proposals
        bounds.crashes = crashes
        bounds.states = states
        let report = Exploration.run(bounds)
        let extent = report.isComplete ? "all there are" : "of more"
        Terminal.print("\(report.states) states, \(extent), \(report.depth) events deep")
        guard let violation = report.violation else { return }
        Terminal.print("VIOLATION \(violation)")
        for event in report.way { Terminal.print("  \(event)") }
        throw ExitCode(1)
    }
}
