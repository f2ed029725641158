import ArgumentParser
import Glibc
import RaftSimulation

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Plays many seeds, in several processes.")

    @Option(help: "How many seeds; 1000 if neither they nor minutes are given.")
    var seeds: UInt64?

    @Option(help: "For how long, instead of a number of seeds.")
    var minutes: Double?

    @Option(help: "The first seed.")
    var from: UInt64 = 1

    @Option(help: "Processes at once; one a core if not given.")
    var jobs: Int?

    private static let defaultSeeds: UInt64 = 1000

    func validate() throws {
        guard seeds == nil || minutes == nil else { throw ValidationError("Either --seeds or --minutes.") }
        guard (1...1024).contains(jobs ?? 1) else { throw ValidationError("--jobs is from 1 to 1024.") }
        if let minutes {
            guard minutes > 0 else { throw ValidationError("--minutes is above zero, or nothing is shown.") }
            try requireSeeds(1, from: from)
        } else {
            try requireSeeds(seeds ?? Self.defaultSeeds, from: from)
        }
    }

    func run() throws {
        let count = jobs ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        var crew = Crew(
            from: from, seeds: minutes == nil ? seeds ?? Self.defaultSeeds : nil, seconds: minutes.map { $0 * 60 },
            workers: count)
        let tally = crew.play()
        Terminal.print(tally.report(seconds: crew.elapsedSeconds))
        guard tally.isClean else { throw ExitCode(1) }
    }
}
