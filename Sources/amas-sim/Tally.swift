import RaftSimulation

/// What many seeds have come to.
struct Tally {
    private(set) var seeds: UInt64 = 0
    private(set) var void: UInt64 = 0
    private(set) var virtualMicroseconds: UInt64 = 0
    private(set) var events: UInt64 = 0
    private(set) var steps: UInt64 = 0
    private(set) var committed: UInt64 = 0
    private(set) var operations: UInt64 = 0
    private(set) var undecided: UInt64 = 0
    private(set) var marks: [UInt64] = []
    private(set) var failures: [(seed: UInt64, reason: String)] = []

    mutating func add(_ line: WorkerLine) {
        seeds += 1
        if line.isVoid { void += 1 }
        virtualMicroseconds += line.virtualMicroseconds
        events += line.events
        steps += line.steps
        committed += line.committed
        operations += line.operations
        undecided += line.undecided
        while marks.count < line.marks.count { marks.append(0) }
        for (place, count) in line.marks.enumerated() { marks[place] += count }
        if !line.violation.isEmpty { failed(line.seed, line.violation) }
    }

    mutating func failed(_ seed: UInt64, _ reason: String) {
        failures.append((seed, reason))
    }

    func report(seconds: Double) -> String {
        let minutes = max(seconds, 0.001) / 60
        let hours = Double(virtualMicroseconds) / 3.6e9
        var lines = [
            "\(seeds) seeds in \(Int(seconds)) s: \(Int(Double(seeds) / minutes)) seeds per minute, "
                + "\(Int(hours / (minutes / 60))) simulated hours per hour",
            "\(steps) steps, \(committed) entries committed, \(operations) client operations, \(undecided) keys undecided, \(void) seeds void",
        ]
        let named = zip(Simulation.markNames, marks)
        lines.append(named.map { "\($0) \($1)" }.joined(separator: ", "))
        let missing = named.filter { $0.1 == 0 }.map(\.0)
        if !missing.isEmpty { lines.append("never: \(missing.joined(separator: ", "))") }
        for failure in failures.sorted(by: { $0.seed < $1.seed }).prefix(50) {
            lines.append("FAILED seed \(failure.seed): \(failure.reason)")
            lines.append("  replay: amas-sim replay \(failure.seed) --trace")
        }
        lines.append(failures.isEmpty ? "clean" : "\(failures.count) of \(seeds) seeds failed")
        return lines.joined(separator: "\n")
    }
}
