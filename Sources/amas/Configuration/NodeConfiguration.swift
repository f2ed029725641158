import Raft
import RaftServer

/// Everything that an operator sets for one node: read once, checked as a whole, then passed down as values.
///
/// Sources, later ones winning: the built-in default, the YAML file, environment variables, flags. The table of all settings is
/// `Setting.all`; `amas config check` prints the outcome with secrets masked.
struct NodeConfiguration: Equatable {
    struct Member: Equatable {
        var id: NodeID
        var name: String
        var peer: PeerAddress
    }

    struct PeerTLS: Equatable {
        var certificate: String
        var privateKey: String
        var authorities: String
    }

    var clusterID: String
    var node: NodeID
    var members: [Member]
    var dataFolder: String
    /// Nil: plaintext between the members, which only `cluster.insecure: true` allows.
    var peerTLS: PeerTLS?
    var peerListen: PeerAddress
    var httpListen: PeerAddress
    var apiKeyFile: String
    /// A libpq connection string, or nil to run without PostgreSQL.
    var postgres: String?
    var postgresConnections: Int
    var workspaceRoots: [String]
    var executorSlots: Int
    var heartbeatMilliseconds: UInt64
    var electionMilliseconds: UInt64
    var realtimePriority: Int32?
    var logLevel: String
    var logFormat: String
    var providersFile: String?
    var egressAllowPrivate: [String]

    var name: String { members.first { $0.id == node }?.name ?? "node\(node)" }
}
