import ArgumentParser
import RaftSimulation
import Testing

@testable import amas_sim

@Suite("amas-sim")
struct SimulatorCommandTests {
    /// What the command line is refused with; nil if it is accepted.
    private func refusal(_ line: String) -> String? {
        do {
            _ = try AmasSim.parseAsRoot(line.split(separator: " ").map(String.init))
            return nil
        } catch {
            return AmasSim.message(for: error)
        }
    }

    @Test(
        "what would show nothing, or cannot be counted, is refused",
        arguments: [
            "run --seeds 0", "run --minutes 0", "run --minutes nan", "run --seeds 2 --from 18446744073709551615",
            "run --minutes 1 --from 18446744073709551615", "run --jobs 0", "run --seeds 1 --minutes 1",
            "mutants --trials 0", "mutants --budget 0", "mutants --budget 18446744073709551615",
            "mutants --all --only P21-sessions-forget-outcomes", "worker --from 1 --count 0",
        ])
    func refused(line: String) {
        #expect(refusal(line) != nil)
    }

    @Test(
        "what is meant is not", arguments: ["", "run --seeds 1 --from 18446744073709551614", "mutants --all"])
    func accepted(line: String) {
        #expect(refusal(line) == nil)
    }

    @Test("an unknown bug is refused before anything is built, with the names of all that there are")
    func unknownBug() throws {
        let message = try #require(refusal("mutants --only nonsense"))
        #expect(Simulation.mutants.count > 20)
        for name in Simulation.mutants {
            #expect(message.contains(name))
            #expect(refusal("mutants --only \(name)") == nil)
        }
    }

    @Test("an ordinary build has no bug to bring back")
    func noBugs() {
        for name in Simulation.mutants { #expect(!Simulation.bringBack(name)) }
    }

    // MARK: Runs

    private static let end = "end $seed 1 1 1 1 1 0 0 1 |"

    /// A run of ten seeds by one process after the other; each is a shell with this script.
    private func play(_ script: String, program: String = "/bin/sh") -> Tally {
        var crew = Crew(from: 1, seeds: 10, seconds: nil, workers: 1) { seeds in
            let words = ["sh", "-c", script, "sh", "\(seeds.lowerBound)", "\(seeds.upperBound - 1)"]
            return Worker(seeds: seeds, program: program, words)
        }
        return crew.play()
    }

    @Test("a run whose seeds were all played is clean")
    func whole() {
        let tally = play("for seed in $(seq $1 $2); do echo begin $seed; echo \"\(Self.end)\"; done")
        #expect(tally.isClean && tally.seeds == 10)
    }

    @Test("a process that dies in the midst of a seed fails that seed, and the others are played by another")
    func deadInSeed() {
        let tally = play(
            """
            for seed in $(seq $1 $2); do
              echo begin $seed
              [ $seed != 4 ] || kill -ILL $$
              echo "\(Self.end)"
            done
            """)
        #expect(!tally.isClean && tally.seeds == 10 && tally.failures.map(\.seed) == [4])
        #expect(tally.report(seconds: 1).hasSuffix("1 of 10 seeds failed"))
    }

    @Test(
        "a run of which a process ends between two seeds is not clean, and says that seeds are missing",
        arguments: ["exit 0", "kill -KILL $$"])
    func deadBetweenSeeds(death: String) {
        let tally = play("seed=1; echo begin 1; echo \"\(Self.end)\"; \(death)")
        #expect(!tally.isClean && tally.report(seconds: 1).hasSuffix("1 of 10 seeds were played"))
        #expect(tally.stops.count == 1)
    }

    @Test("a run for which no process can be started is not clean, and says why")
    func noProcess() {
        let tally = play("", program: "/nonexistent")
        #expect(!tally.isClean && tally.report(seconds: 1).contains("No such file"))
    }
}
