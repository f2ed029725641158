import ArgumentParser
import RaftSimulation

/// Plays seeds and tells of each on a line of its own. A process of its own, because a broken assertion ends it.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Plays seeds for `run`.", shouldDisplay: false)

    @Option var from: UInt64
    @Option var step: UInt64 = 1
    @Option var count: UInt64

    func run() throws {
        for number in 0..<count {
            let seed = from + number * step
            Terminal.print("begin \(seed)")
            Terminal.print(WorkerLine(Simulation.run(seed: seed)).text)
        }
    }
}
