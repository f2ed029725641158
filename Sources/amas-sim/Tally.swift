import RaftSimulation

/// What many seeds have come to.
struct Tally {
    /// How many are to be played. Nil if as many as time allows.
    let asked: UInt64?
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
    /// Why seeds were left unplayed.
    private(set) var stops: [String] = []

    init(asked: UInt64?) {
        self.asked = asked
    }

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
        if !line.violation.isEmpty { failures.append((line.seed, line.violation)) }
    }

    /// A seed during which its process ended.
    mutating func died(_ seed: UInt64, _ reason: String) {
        seeds += 1
        failures.append((seed, reason))
    }

    /// Seeds will stay unplayed.
    mutating func stopped(_ reason: String) {
        stops.append(reason)
    }

    /// What speaks against the run, in the order in which it is said. A run that played less than it was to shows nothing.
    private var complaints: [String] {
        var complaints = stops
        if let asked, seeds != asked { complaints.append("\(seeds) of \(asked) seeds were played") }
        if seeds == 0 { complaints.append("no seed was played to its end") }
        if void * 10 > seeds { complaints.append("more than a tenth of the seeds did too little to show anything") }
        if !failures.isEmpty { complaints.append("\(failures.count) of \(seeds) seeds failed") }
        return complaints
    }

    var isClean: Bool { complaints.isEmpty }

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
        lines += isClean ? ["clean"] : complaints
        return lines.joined(separator: "\n")
    }
}
