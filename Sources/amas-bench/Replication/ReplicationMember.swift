import ArgumentParser
import Glibc
import Logging
import Raft
import RaftServer
import Synchronization

/// One of the three members that the replication benchmark measures: our server with its log on disk, and nothing above it.
struct ReplicationMember: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replication-member", abstract: "A member of the cluster that `replication` measures.")
    @Option(help: "This member's id, from 1.") var id: UInt64
    @Option(help: "The members' peer addresses in the order of their ids, separated by commas.") var members: String
    @Option(help: "The cluster's id.") var cluster: String
    @Option(help: "The folder with the certificates of `amas certs`.") var certificates: String
    @Option(help: "Where the log is kept.") var data: String
    @Flag(help: "Take no snapshot and keep the whole log.") var keepsLog = false

    func run() async throws {
        let addresses = members.split(separator: ",").compactMap { PeerAddress(String($0)) }
        let ids = addresses.indices.map { NodeID(UInt64($0) + 1) }
        guard let own = ids.firstIndex(of: NodeID(id)) else { throw ValidationError("--id is not among the members") }
        let answering = Answering()
        var configuration = RaftServerConfiguration(
            clusterID: cluster, node: NodeID(id), folder: data, bootstrap: Membership(voters: ids),
            peers: Dictionary(uniqueKeysWithValues: zip(ids, addresses)), listen: addresses[own],
            tls: .init(
                certificate: "\(certificates)/node-\(id).crt", privateKey: "\(certificates)/node-\(id).key",
                authorities: "\(certificates)/ca.crt"),
            raft: RaftSettings(seed: UInt64.random(in: .min ... .max)), machineVersionMax: 1, softwareVersion: "bench")
        configuration.makesFolder = true
        if keepsLog {
            (configuration.limits.snapshotAfterEntries, configuration.limits.snapshotAfterBytes) = (.max, .max)
        }
        configuration.realtimePriority = 10
        let server = try RaftServer.open(
            configuration, machine: RegisterMachine(), callbacks: .answering(answering),
            logger: Logger(label: "bench") { StreamLogHandler.standardError(label: $0) })
        answering.server.withLock { $0 = server }
        _ = try await server.start()
        try await Task.sleep(for: .seconds(86_400))
    }
}

/// Each request is a proposal of its own, as one of a client of the API would be, and is answered once it is applied here.
private final class Answering: Sendable {
    let server = Mutex<RaftServer<RegisterMachine>?>(nil)

    func propose(_ request: [UInt8], for client: NodeID) {
        guard let server = server.withLock({ $0 }) else { return }
        let number = CommandFrame.number(request)
        guard request.count > 8 else { return answer(number, isCommitted: false, by: server, to: client) }
        server.propose { session, sequence, floor in
            let body = request[8...]
            return Envelope(
                machineVersion: 1, session: session, sequence: sequence, floor: floor, tenant: "default",
                decodedBodyLength: UInt32(body.count), body: body
            ).encoded()
        } completion: { [self] outcome in
            let isCommitted = if case .success(let isDone) = outcome { isDone } else { false }
            answer(number, isCommitted: isCommitted, by: server, to: client)
        }
    }

    private func answer(_ number: UInt64, isCommitted: Bool, by server: RaftServer<RegisterMachine>, to client: NodeID)
    {
        let answer = CommandFrame.Answer(
            number: number, isCommitted: isCommitted, leader: isCommitted ? nil : server.status?.standing.leader,
            applied: server.appliedIndex)
        server.sendEphemeral(answer.encoded(), to: client)
    }
}

extension RaftServerCallbacks {
    fileprivate static func answering(_ answering: Answering) -> RaftServerCallbacks {
        RaftServerCallbacks(
            // The load is no member; whoever has a certificate of the cluster is let in.
            isKnown: { _ in .accepted },
            ephemeral: { answering.propose($1, for: $0) },
            failed: { reason in
                Report.say("the disk has failed: \(reason)")
                _exit(74)
            })
    }
}
