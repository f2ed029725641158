import ArgumentParser
import RaftSimulation

/// Plays seeds and tells of each on a line of its own. A process of its own, because a broken assertion ends it.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Plays seeds for the other commands.", shouldDisplay: false)

    @Option var from: UInt64
    @Option var count: UInt64
    @Option(help: "A bug to bring back, in a build that has them.") var mutant: String?

    func validate() throws {
        try requireSeeds(count, from: from)
    }

    func run() throws {
        if let mutant { try Simulation.requireBroughtBack(mutant) }
        for seed in from..<(from + count) {
            Terminal.print("begin \(seed)")
            Terminal.print(WorkerLine(Simulation.run(seed: seed)).text)
        }
    }
}
