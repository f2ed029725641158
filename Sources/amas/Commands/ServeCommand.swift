import ArgumentParser

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run one node.",
        discussion:
            "Ends cleanly on SIGTERM: hands over leadership, lets running work go on elsewhere, closes its clients.")
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await RunningNode.run(try options.load())
    }
}
