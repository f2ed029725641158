import ArgumentParser
import Glibc
import Raft

struct CertsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certs", abstract: "Make and look at the certificates that the members know each other by.",
        subcommands: [Authority.self, Node.self, Inspect.self])

    struct Authority: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make the cluster's certificate authority.")
        @Option(name: .long, help: "The cluster's id.") var cluster: String
        @Option(name: .long, help: "Where ca.crt and ca.key are written.") var directory: String
        @Flag(name: .long, help: "Replace what is there.") var force = false

        func run() throws {
            try reporting {
                _ = try CertificateAuthority.create(
                    clusterID: cluster, directory: directory, force: force, now: time(nil))
                Terminal.output("\(directory)/ca.crt")
            }
        }
    }

    struct Node: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a node's certificate.")
        @Option(name: .long, help: "Where the authority is, and the certificate is written.") var directory: String
        @Option(name: .long, help: "The node's id.") var id: UInt64
        @Option(name: .long, help: "A DNS name or address of the node; may be given several times.") var name:
            [String] = []
        @Flag(name: .long, help: "Replace what is there.") var force = false

        func run() throws {
            try reporting {
                let authority = try CertificateAuthority.open(directory: directory)
                _ = try authority.issue(
                    nodeID: NodeID(id), names: name, directory: directory, force: force, now: time(nil))
                Terminal.output("\(directory)/node-\(id).crt")
            }
        }
    }

    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the certificates of a folder.")
        @Option(name: .long, help: "The folder.") var directory: String

        func run() throws {
            try reporting {
                for report in try CertificateAuthority.inspect(directory: directory, now: time(nil)) {
                    Terminal.output("\(report)")
                }
            }
        }
    }
}

/// Turns what went wrong into a sentence and an exit code.
private func reporting(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let error as CertificateError {
        throw CommandFailure(code: .failed, message: "\(error)")
    }
}
