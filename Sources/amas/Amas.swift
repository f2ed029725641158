import ArgumentParser
import ClusterState
import Glibc

/// The command line: one executable is a node, its tools, and the client of a cluster.
@main
struct Amas: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "amas",
        abstract: "A highly available cluster that runs AI agents.",
        discussion: """
            Clients name their cluster by --url or AMAS_URL (several, separated by commas: the next one is tried when one fails) \
            and their key by AMAS_TOKEN or --token-file.

            Exit codes: 0 ok, 1 failed, 2 usage, 3 degraded, 4 no quorum, 5 timeout, 6 access.
            """,
        version: Version.text,
        subcommands: [
            InitCommand.self, ServeCommand.self, TaskCommand.self, ClusterCommand.self, CertsCommand.self,
            ConfigCommand.self, RecoverQuorumCommand.self, RescueCommand.self,
            VersionCommand.self,
        ])

    static func main() async {
        // A reader that went away is an error of that write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            end(0)
        } catch let failure as CommandFailure {
            Terminal.error("error: \(failure.message)")
            end(failure.code.rawValue)
        } catch {
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            if code.isSuccess {
                Terminal.output(text)
                end(0)
            }
            if !text.isEmpty { Terminal.error(text) }
            end(code == .validationFailure ? FailureCode.usage.rawValue : code.rawValue)
        }
    }

    /// Not `exit`: threads that still run, such as the one that applies the log, use what its handlers take down (OpenSSL).
    private static func end(_ code: Int32) -> Never { _exit(code) }
}

/// What a script can tell apart.
enum FailureCode: Int32, Sendable {
    case failed = 1
    case usage = 2
    case degraded = 3
    case noQuorum = 4
    case timeout = 5
    case access = 6
}

/// Ends the command with a sentence for the person and a code for the script.
struct CommandFailure: Error {
    var code: FailureCode
    var message: String
}

enum Version {
    static let number = "0.1.0"
    /// The newest machine version that this software applies.
    static let machine = ClusterState.supportedMachineVersion
    static var text: String { "amas \(number) (machine version \(machine))" }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() {
        Terminal.output(Version.text)
    }
}
