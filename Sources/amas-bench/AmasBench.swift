import ArgumentParser

/// What `cluster/bench` runs: loads that measure, and the member that the replication benchmark measures. Figures go to the
/// standard output, one JSON object a line (`design/testing.md`); everything said about them to the standard error.
@main
struct AmasBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "amas-bench", abstract: "Measures AMAS; started by ./cluster/bench.",
        subcommands: [ReplicationMember.self, ReplicationLoad.self, FailoverLoad.self, RecoveryLoad.self])
}

/// Why nothing was measured.
struct BenchmarkFailure: Error, CustomStringConvertible {
    var description: String
}
