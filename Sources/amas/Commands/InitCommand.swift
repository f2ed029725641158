import ArgumentParser
import Raft
import RaftServer

/// The one act by which a node gets a data folder. `serve` never makes one: an empty folder may be one that was wiped.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make the data folder of a new node; once, before its first start.",
        discussion:
            """
            Prints the folder and its incarnation. Changes nothing if the folder is a node's already. A member that has lost its \
            folder is replaced: `amas cluster replace ID --incarnation …` with the new folder's. The node waits until a cluster takes \
            it in; only the first nodes of a cluster that there never was are made with --new-cluster.
            """
    )
    @OptionGroup var options: ConfigurationOptions
    @Flag(
        help: "The nodes of `cluster.members` found a new cluster. Not for a lost folder: there would be two clusters.")
    var newCluster = false

    func run() throws {
        let node = try options.load()
        guard !newCluster || !node.joins else {
            throw CommandFailure(code: .usage, message: "cluster.join is set: a node that joins founds no new cluster")
        }
        var server = RunningNode.serverConfiguration(node)
        if !newCluster { server.bootstrap = .empty }
        let incarnation: Incarnation
        do throws(ServerStartError) {
            incarnation = try server.makeNewFolder()
        } catch {
            throw CommandFailure(code: .failed, message: error.description)
        }
        Terminal.output("\(node.dataFolder)\nincarnation \(incarnation)")
    }
}
