import ArgumentParser
import RaftSimulation

extension Simulation {
    /// - Throws: with the names of all bugs, if there is none of this name.
    static func requireMutant(_ name: String) throws {
        guard !mutants.contains(name) else { return }
        let names = mutants.map { "  \($0)" }.joined(separator: "\n")
        throw ValidationError("There is no bug \(name). These are known:\n\(names)")
    }

    /// - Throws: in a build without bugs.
    static func requireBroughtBack(_ name: String) throws {
        try requireMutant(name)
        guard bringBack(name) else {
            throw ValidationError("This build has no bugs; build with -Xswiftc -DAMAS_MUTANTS.")
        }
    }
}

/// - Throws: if there is no seed to play, or one past the last.
func requireSeeds(_ count: UInt64, from first: UInt64) throws {
    guard count > 0 else { throw ValidationError("At least one seed, or nothing is shown.") }
    guard !first.addingReportingOverflow(count).overflow else {
        throw ValidationError("\(count) seeds from \(first) go past the last one, \(UInt64.max - 1).")
    }
}
