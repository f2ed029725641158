import ClusterState
import Raft
public import RaftServer
import SwiftProtobuf

extension QuorumRecovery {
    /// What the node has. Blocks.
    public static func inspect(_ configuration: RaftServerConfiguration) throws(ServerStartError) -> QuorumRecovery {
        try inspect(configuration, machine: ClusterMachine(observers: Observers()))
    }

    /// Makes the node the only member of a new generation of the cluster: what clients saw of the old one is not mistaken for
    /// later than what they see now, and the former members are refused (`design/state.md` 4). Blocks.
    public static func run(_ configuration: RaftServerConfiguration) throws(ServerStartError) -> QuorumRecovery {
        try run(configuration, machine: ClusterMachine(observers: Observers())) { machine in
            let state = machine.state
            guard state.clusterID != nil else { return [] }
            var bodies: [Command.OneOf_Body] = [
                .generationRaised(.with { $0.generation = UInt32(state.generation) + 1 })
            ]
            let others = state.members.map(\.id).filter { $0 != configuration.node }
            if !others.isEmpty {
                bodies.append(.membersRemoved(.with { $0.nodeIds = others.map(\.rawValue) }))
            }
            return bodies.map { body in
                guard
                    let envelope = try? Envelope(
                        command: Command(body), session: nil, sequence: 0, floor: 0, tenant: "")
                else { preconditionFailure("a command of a few words fits") }
                return envelope.encoded()
            }
        }
    }
}
