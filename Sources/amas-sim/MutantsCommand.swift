import ArgumentParser
import Glibc
import RaftSimulation

/// Shows that the simulator finds bugs: it brings back known ones, one at a time, and counts the seeds until each is found.
struct MutantsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mutants", abstract: "Brings back known bugs and counts the seeds until each is found.")

    @Flag(help: "Every bug; three otherwise.")
    var all = false

    @Option(help: "Only this one; --list names them.")
    var only: String?

    @Flag(help: "Print the names of all bugs, and play nothing.")
    var list = false

    @Option(help: "Seeds within which each must be found.")
    var budget: UInt64 = 2000

    @Option(help: "How often each is searched, from different seeds; the median counts.")
    var trials = 5

    @Flag(help: .hidden)
    var isBuilt = false

    /// Found by three different kinds of checker.
    private static let short = [
        "P2-commits-older-term-by-counting", "P12-damage-is-taken-for-torn-tail", "P24-transfer-without-end",
    ]
    private static let folder = ".build-mutants"
    /// From the first seed of one search to that of the next.
    private static let seedsApart: UInt64 = 100_000

    func validate() throws {
        if let only { try Simulation.requireMutant(only) }
        guard only == nil || !all else { throw ValidationError("Either --all or --only.") }
        guard (1...1000).contains(trials) else { throw ValidationError("--trials is from 1 to 1000.") }
        guard (1...Self.seedsApart).contains(budget) else {
            throw ValidationError("--budget is from 1 to \(Self.seedsApart).")
        }
    }

    func run() throws {
        guard !list else { return Simulation.mutants.forEach(Terminal.print) }
        guard isBuilt else { return try buildAndRun() }
        let names = only.map { [$0] } ?? (all ? Simulation.mutants : Self.short)
        var missed = 0
        Terminal.print("| bug | median seeds | most | found by |\n|---|---|---|---|")
        for name in names {
            let searches = try (0..<trials).map {
                try Self.search(name, from: UInt64($0) * Self.seedsApart + 1, budget: budget)
            }
            let found = searches.compactMap { $0?.seeds }.sorted()
            if found.count < trials { missed += 1 }
            let median = found.count > trials / 2 ? "\(found[trials / 2])" : "–"
            let most = found.count == trials ? "\(found[trials - 1])" : "not in \(budget)"
            var checkers: [String] = []
            for checker in searches.compactMap({ $0?.checker }) where !checkers.contains(checker) {
                checkers.append(checker)
            }
            Terminal.print("| \(name) | \(median) | \(most) | \(checkers.joined(separator: ", ")) |")
        }
        guard missed == 0 else {
            Terminal.say("\(missed) of \(names.count) bugs were not found every time within \(budget) seeds")
            throw ExitCode(1)
        }
    }

    /// The bugs are in a build of their own.
    private func buildAndRun() throws {
        Terminal.say("building with the bugs in \(Self.folder) (the first time takes minutes)")
        let build = [
            "swift", "build", "-c", "release", "--product", "amas-sim", "--scratch-path", Self.folder, "-Xswiftc",
            "-DAMAS_MUTANTS",
        ]
        guard try Program.run(build) == 0 else { throw ExitCode(1) }
        var arguments = ["\(Self.folder)/release/amas-sim", "mutants", "--is-built", "--budget", "\(budget)"]
        arguments += ["--trials", "\(trials)"] + (all ? ["--all"] : []) + (only.map { ["--only", $0] } ?? [])
        throw ExitCode(try Program.run(arguments))
    }

    /// Plays seeds until one fails. Nil if none does.
    private static func search(
        _ mutant: String, from first: UInt64, budget: UInt64
    ) throws -> (seeds: UInt64, checker: String)? {
        guard var worker = Worker.ofThisProgram(first..<(first + budget), ["--mutant", mutant]) else {
            throw ValidationError("No process can be started: \(String(cString: strerror(errno))).")
        }
        while let lines = worker.lines() {
            for line in lines {
                if line.hasPrefix("begin "), let seed = UInt64(line.dropFirst(6)) {
                    worker.begins(seed)
                } else if let end = WorkerLine(line) {
                    worker.ended(end.seed)
                    guard !end.violation.isEmpty else { continue }
                    worker.kill()
                    _ = worker.reap()
                    return (end.seed - first + 1, String(end.violation.prefix { $0 != ":" }))
                }
            }
        }
        _ = worker.reap()
        return worker.current.map { ($0 - first + 1, "assertion") }
    }
}

/// A program that runs to its end, speaking for itself.
enum Program {
    static func run(_ words: [String]) throws -> Int32 {
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var process: pid_t = 0
        guard posix_spawnp(&process, words[0], nil, nil, &arguments, environ) == 0 else {
            throw ValidationError("\(words[0]) cannot be started.")
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 1
    }
}
