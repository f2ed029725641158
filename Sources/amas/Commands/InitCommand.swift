import ArgumentParser
import RaftServer

/// The one act by which a node gets a data folder. `serve` never makes one: an empty folder may be one that was wiped.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make the data folder of a new node; once, before its first start.",
        discussion:
            """
            Prints the folder and its incarnation. Changes nothing if the folder is a node's already. A member that has lost its \
            folder is replaced: `amas cluster replace ID --incarnation …` with the new folder's.
            """
    )
    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let node = try options.load()
        let incarnation: Incarnation
        do throws(ServerStartError) {
            incarnation = try RunningNode.serverConfiguration(node).makeNewFolder()
        } catch {
            throw CommandFailure(code: .failed, message: error.description)
        }
        Terminal.output("\(node.dataFolder)\nincarnation \(incarnation)")
    }
}
