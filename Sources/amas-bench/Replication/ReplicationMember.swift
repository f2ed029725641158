import ArgumentParser
import Glibc
import Logging
import Raft
import RaftServer

/// One of the three members that the replication benchmark measures: our server with its log on disk, and nothing above it.
struct ReplicationMember: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replication-member", abstract: "A member of the cluster that `replication` measures.")
    @Option(help: "This member's id, from 1.") var id: UInt64
    @Option(help: "The members' peer addresses in the order of their ids, separated by commas.") var members: String
    @Option(help: "The cluster's id.") var cluster: String
    @Option(help: "The folder with the certificates of `amas certs`.") var certificates: String
    @Option(help: "Where the log is kept.") var data: String

    func run() async throws {
        let addresses = members.split(separator: ",").compactMap { PeerAddress(String($0)) }
        let ids = addresses.indices.map { NodeID(UInt64($0) + 1) }
        guard let own = ids.firstIndex(of: NodeID(id)) else { throw ValidationError("--id is not among the members") }
        let requests = Requests()
        var configuration = RaftServerConfiguration(
            clusterID: cluster, node: NodeID(id), folder: data, bootstrap: Membership(voters: ids),
            peers: Dictionary(uniqueKeysWithValues: zip(ids, addresses)), listen: addresses[own],
            tls: .init(
                certificate: "\(certificates)/node-\(id).crt", privateKey: "\(certificates)/node-\(id).key",
                authorities: "\(certificates)/ca.crt"),
            raft: RaftSettings(seed: UInt64.random(in: .min ... .max)), machineVersionMax: 1, softwareVersion: "bench")
        configuration.makesFolder = true
        configuration.realtimePriority = 10
        let server = try RaftServer.open(
            configuration, machine: RegisterMachine(), callbacks: .answering(requests),
            logger: Logger(label: "bench") { StreamLogHandler.standardError(label: $0) })
        _ = try await server.start()
        await answer(requests.stream, with: server)
    }

    /// Each request is a proposal of its own, as one of a client of the API would be.
    private func answer(_ stream: AsyncStream<(NodeID, [UInt8])>, with server: RaftServer<RegisterMachine>) async {
        await withDiscardingTaskGroup { group in
            for await (client, bytes) in stream {
                group.addTask {
                    let number = CommandFrame.number(bytes)
                    let body = bytes[8...]
                    let outcome = try? await server.propose { session, sequence, floor in
                        Envelope(
                            machineVersion: 1, session: session, sequence: sequence, floor: floor, tenant: "default",
                            decodedBodyLength: UInt32(body.count), body: body
                        ).encoded()
                    }
                    server.sendEphemeral(
                        CommandFrame.answer(
                            number, isCommitted: outcome == true, leader: server.status?.standing.leader),
                        to: client)
                }
            }
        }
    }
}

/// Requests on their way from the links to whoever answers them. No more than the load's clients can be here at once.
private struct Requests: Sendable {
    let stream: AsyncStream<(NodeID, [UInt8])>
    let continuation: AsyncStream<(NodeID, [UInt8])>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }
}

extension RaftServerCallbacks {
    fileprivate static func answering(_ requests: Requests) -> RaftServerCallbacks {
        RaftServerCallbacks(
            // The load is no member; whoever has a certificate of the cluster is let in.
            isKnown: { _, _ in .accepted },
            ephemeral: { requests.continuation.yield(($0, $1)) },
            failed: { reason in
                Report.say("the disk has failed: \(reason)")
                _exit(74)
            })
    }
}
