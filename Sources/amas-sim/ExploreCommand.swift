import ArgumentParser
import RaftSimulation

struct ExploreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore", abstract: "Tries every order of events of three nodes, within bounds.",
        discussion: """
            Without bounds it goes through several small ones, each of which it sees whole. A search that is given up before it \
            has seen everything fails, and says how much was left.
            """)

    @Flag(help: "Begin when node 1 leads and all are up to date; otherwise when no node has ever run.")
    var settled = false

    @Option(help: "Election timeouts, of all nodes together.")
    var timeouts: Int?

    @Option(help: "Commands that are proposed.")
    var proposals: Int?

    @Option(help: "Crashes, of all nodes together.")
    var crashes: Int?

    @Option(help: "States after which a search is given up.")
    var states = 10_000_000

    @Option(help: "A bug to bring back, in a build that has them.")
    var mutant: String?

    var searches: [ExplorationBounds] {
        let isBounded = settled || timeouts != nil || proposals != nil || crashes != nil
        guard isBounded else { return ExplorationBounds.standard }
        let bounds = ExplorationBounds(
            isSettled: settled, timeouts: timeouts ?? 0, proposals: proposals ?? 0, crashes: crashes ?? 0)
        return [bounds]
    }

    func validate() throws {
        guard states > 0 else { throw ValidationError("--states is above zero.") }
        for bounds in searches {
            guard bounds.timeouts >= 0, bounds.proposals >= 0, bounds.crashes >= 0 else {
                throw ValidationError("--timeouts, --proposals and --crashes are not below zero.")
            }
            guard bounds.timeouts > 0 || bounds.isSettled && bounds.proposals > 0 else {
                throw ValidationError("Without a timeout, or a proposal to a settled cluster, nothing is shown.")
            }
        }
    }

    func run() throws {
        if let mutant { try Simulation.requireBroughtBack(mutant) }
        var isWhole = true
        for var bounds in searches {
            bounds.states = states
            let report = Exploration.run(bounds)
            Terminal.print("\(bounds): \(report.summary)")
            if !report.isComplete { isWhole = false }
        }
        guard isWhole else { throw ExitCode(1) }
    }
}

extension Exploration.Report {
    var summary: String {
        let extent = "\(states) states, \(depth) events deep"
        if let violation {
            return (["\(extent), VIOLATION \(violation)"] + way.map { "  \($0)" }).joined(separator: "\n")
        }
        return isComplete
            ? "\(extent), all there are"
            : "INCOMPLETE after \(extent): the successors of \(left) states were not looked at"
    }
}
