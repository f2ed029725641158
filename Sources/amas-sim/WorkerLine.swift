import RaftSimulation

/// What a worker says of a seed: numbers, then what was violated.
struct WorkerLine {
    var seed: UInt64
    var virtualMicroseconds: UInt64
    var events: UInt64
    var steps: UInt64
    var committed: UInt64
    var operations: UInt64
    var undecided: UInt64
    var isVoid: Bool
    var marks: [UInt64]
    var violation: String

    init(_ report: Simulation.Report) {
        seed = report.seed
        virtualMicroseconds = report.virtualMicroseconds
        events = report.events
        steps = report.steps
        committed = UInt64(report.committed)
        operations = UInt64(report.operations)
        undecided = UInt64(report.undecidedKeys)
        isVoid = report.isVoid
        marks = report.marks.map(\.count)
        violation = report.violation.map { "\($0)" } ?? ""
    }

    var text: String {
        let numbers =
            [seed, virtualMicroseconds, events, steps, committed, operations, undecided, isVoid ? 1 : 0] + marks
        return "end " + numbers.map { "\($0)" }.joined(separator: " ") + " |" + violation.replacing("\n", with: " ")
    }

    init?(_ text: String) {
        let parts = text.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].hasPrefix("end ") else { return nil }
        let numbers = parts[0].dropFirst(4).split(separator: " ").compactMap { UInt64($0) }
        guard numbers.count >= 8 else { return nil }
        seed = numbers[0]
        virtualMicroseconds = numbers[1]
        events = numbers[2]
        steps = numbers[3]
        committed = numbers[4]
        operations = numbers[5]
        undecided = numbers[6]
        isVoid = numbers[7] == 1
        marks = Array(numbers[8...])
        violation = String(parts[1])
    }
}
