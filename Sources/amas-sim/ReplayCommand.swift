import ArgumentParser
import RaftSimulation

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Plays one seed, and says what came of it.")

    @Argument(help: "The seed.")
    var seed: UInt64

    @Flag(help: "Print every step of every node, and what happens around them.")
    var trace = false

    @Flag(help: "Play it twice and compare.")
    var twice = false

    func run() throws {
        let report = Simulation.run(seed: seed, trace: trace ? Trace { Terminal.print($0) } : Trace())
        if twice {
            let again = Simulation.run(seed: seed)
            guard again.hash == report.hash else {
                Terminal.say("seed \(seed) does not play the same twice: \(report.hash), \(again.hash)")
                throw ExitCode(1)
            }
            Terminal.say("played twice: both runs have the hash \(report.hash)")
        }
        Terminal.say(report.summary)
        if report.violation != nil { throw ExitCode(1) }
    }
}

extension Simulation.Report {
    var summary: String {
        let counts = marks.filter { $0.count > 0 }.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
        let verdict = violation.map { "VIOLATION \($0)" } ?? (isVoid ? "void: too little was done" : "clean")
        return """
            seed \(seed): \(verdict)
            \(nodes) nodes, \(virtualMicroseconds / 1000) virtual ms, \(events) events, \(steps) steps, \(committed) committed, \
            \(operations) operations, hash \(hash)
            \(counts)
            """
    }
}
