import ArgumentParser
import RaftServer

/// The one act by which a node gets a data folder. `serve` never makes one: an empty folder may be one that was wiped.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make the data folder of a new node; once, before its first start.",
        discussion:
            "Changes nothing if the folder is a node's already. A node that lost its folder is replaced, not made again."
    )
    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let node = try options.load()
        do throws(ServerStartError) {
            try RunningNode.serverConfiguration(node).makeNewFolder()
        } catch {
            throw CommandFailure(code: .failed, message: error.description)
        }
        Terminal.output(node.dataFolder)
    }
}
