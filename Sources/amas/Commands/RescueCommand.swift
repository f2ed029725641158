import ArgumentParser
import Raft
import RaftServer

/// For a node in rescue mode: an entry of the log crashes whoever applies it.
struct RescueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rescue",
        abstract: "Get a node out of rescue mode: an entry of the log has crashed it three times.",
        discussion: """
            Such a node answers /livez and /api/v1/health, which names the entry, and takes no part in the cluster. Upgrade it and \
            `retry`, or `skip` the entry: it then has no effect, as if it had been refused. What is decided takes effect when the node \
            starts again.

            Skip the entry on every node that names it, or on none. While fewer than a majority of the voters have gone past it \
            nothing is committed; a node that alone skips what the others could apply is found out by the hash of its state, takes no \
            part any more, and must be replaced.
            """,
        subcommands: [Skip.self, Retry.self])

    struct Skip: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Pass over the entry.")
        @Argument(help: "The entry's index, as the node names it.") var index: UInt64
        @OptionGroup var options: ConfigurationOptions

        func run() throws {
            let node = try options.load()
            try RescueCommand.attempt { () throws(ServerStartError) in
                try Rescue.skip(LogIndex(index), folder: node.dataFolder)
            }
            Terminal.output(
                "\(node.name) passes over entry \(index) when it starts again; do the same on every node that names it")
        }
    }

    struct Retry: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Try to apply the entry again, as after an upgrade.")
        @OptionGroup var options: ConfigurationOptions

        func run() throws {
            let node = try options.load()
            try RescueCommand.attempt { () throws(ServerStartError) in try Rescue.retry(folder: node.dataFolder) }
            Terminal.output("\(node.name) tries again when it starts")
        }
    }

    private static func attempt(_ body: () throws(ServerStartError) -> Void) throws(CommandFailure) {
        do throws(ServerStartError) {
            try body()
        } catch {
            throw CommandFailure(code: .failed, message: error.description)
        }
    }
}
