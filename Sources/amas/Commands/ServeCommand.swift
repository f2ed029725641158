import ArgumentParser

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run one node.",
        discussion:
            "Ends cleanly on SIGTERM: hands over leadership, lets running work go on elsewhere, closes its clients.")
    @OptionGroup var options: ConfigurationOptions
    @Option(name: .long, help: "Write and accept only what this machine version did: cluster.compat_version.")
    var compatVersion: UInt32?

    func run() async throws {
        var options = options
        if let compatVersion { options.set.append("cluster.compat_version=\(compatVersion)") }
        try await RunningNode.run(try options.load())
    }
}
