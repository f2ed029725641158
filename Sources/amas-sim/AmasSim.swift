import ArgumentParser

/// Plays clusters in a virtual world, each from one seed.
@main
struct AmasSim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "amas-sim", abstract: "Plays clusters of AMAS in a virtual world, each from one seed.",
        subcommands: [
            RunCommand.self, ReplayCommand.self, MutantsCommand.self, ExploreCommand.self, WorkerCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}
