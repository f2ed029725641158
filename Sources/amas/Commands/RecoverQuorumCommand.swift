import ArgumentParser
import Orchestration
import Raft
import RaftServer

/// The last resort: more voters are lost for good than the cluster tolerates.
struct RecoverQuorumCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover-quorum",
        abstract: "Make a stopped node the only voter, when a majority of the voters is lost for good.",
        discussion: """
            Everything that only the lost voters had is lost with them, accepted tasks among it. Run it on the survivor whose log \
            has the highest term, then the highest index: without --confirm it prints both, and leaves the log as it is. The former members \
            must never run again with the folders that they have. Afterwards start the node, and bring others in with empty folders: \
            `amas init`, `amas cluster add`.
            """)
    @OptionGroup var options: ConfigurationOptions
    @Flag(help: "Do it.") var confirm = false

    func run() throws {
        let server = RunningNode.serverConfiguration(try options.load())
        let report: QuorumRecovery
        do throws(ServerStartError) {
            report = confirm ? try QuorumRecovery.run(server) : try QuorumRecovery.inspect(server)
        } catch {
            throw CommandFailure(code: .failed, message: error.description)
        }
        let others = report.membership.voters.filter { $0 != server.node }.map { "\($0)" }.joined(separator: ", ")
        Terminal.output(
            "log     term \(report.last.term) index \(report.last.index)\nothers  \(others.isEmpty ? "none" : others)")
        Terminal.error(
            confirm
                ? "node \(server.node) is the only voter now: start it, and never again the others with the folders that they have"
                : "the log is as it was; --confirm makes node \(server.node) the only voter, and loses what only the others have"
        )
    }
}
