import ClusterState
import Providers
import Raft
import RaftServer

/// Everything that an operator sets for one node: read once, checked as a whole, then passed down as values.
///
/// Sources, later ones winning: the built-in default, the YAML file, environment variables, `--set` flags. `Setting.all` is the
/// table of all settings.
struct NodeConfiguration: Sendable {
    struct Member: Equatable, Sendable {
        var id: NodeID
        var name: String
        var peer: PeerAddress
    }

    struct PeerTLS: Equatable, Sendable {
        var certificate: String
        var privateKey: String
        var authorities: String
    }

    var clusterID: String
    var node: NodeID
    /// The voters of a new cluster, this node among them. Of one that the node joins, those that it knows of.
    var members: [Member]
    /// Whether the cluster runs, and adds this node.
    var joins: Bool
    /// The newest machine version that this node applies and announces.
    var machineVersion: UInt32
    /// The replicated settings of a new cluster.
    var settings: Settings
    var dataFolder: String
    /// Nil: plaintext between the members, which has to be asked for by name.
    var peerTLS: PeerTLS?
    var peerListen: PeerAddress
    var httpListen: PeerAddress
    var apiKeyFile: String
    /// How long balancers take to see that this node is not ready: at its end it answers so long.
    var balancerMilliseconds: Int
    /// A libpq connection string; nil runs without PostgreSQL: finished tasks then stay in the replicated state.
    var postgres: String?
    var postgresConnections: Int
    var workspaceRoots: [String]
    var executorSlots: Int
    var toolThreads: Int
    var heartbeatMilliseconds: UInt64
    var electionMilliseconds: UInt64
    var realtimePriority: Int32?
    /// How much this node is preferred as the leader.
    var priority: UInt64
    /// Bytes of requests of this node's clients that may wait for the log.
    var outstandingBytes: Int
    /// What snapshots that this node sends to other members may take.
    var snapshotBytesPerSecond: Int
    var logLevel: String
    var logFormat: String
    var providers: [ProviderConfiguration]
    var allowPrivateRanges: [String]

    var name: String { members.first { $0.id == node }?.name ?? "node\(node)" }
}

/// What is wrong with a configuration: every problem at once, each with the setting it concerns.
struct ConfigurationError: Error, CustomStringConvertible, Equatable {
    struct Problem: Equatable {
        var setting: String
        /// Where the setting was written; nil for one that is missing.
        var origin: SettingOrigin?
        var message: String
    }

    var problems: [Problem]

    private static func line(_ problem: Problem) -> String {
        "  \(problem.setting)\(problem.origin.map { " (\($0))" } ?? ""): \(problem.message)"
    }

    var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return (["the configuration has \(count):"] + problems.map(Self.line)).joined(separator: "\n")
    }
}
