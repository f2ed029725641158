import Raft

/// Where a setting was written.
enum SettingOrigin: Equatable, Sendable, CustomStringConvertible {
    case line(Int)
    case environment(String)
    case flag

    var description: String {
        switch self {
        case .line(let number): "line \(number)"
        case .environment(let name): name
        case .flag: "--set"
        }
    }
}

/// One setting: its name in the file, what it is, and how it may be set from outside.
struct Setting: Sendable {
    enum Kind: Equatable, Sendable {
        case text, secretText, integer(ClosedRange<Int>), flag, address, list, members, providers
    }

    var key: String
    var kind: Kind
    /// As it would be written in the file; nil if the setting has no default.
    var standard: String?
    var meaning: String

    /// `cluster.data_folder` is `AMAS_CLUSTER_DATA_FOLDER` in the environment.
    var environmentName: String { "AMAS_" + key.uppercased().replacing(".", with: "_") }

    static let all: [Setting] = [
        Setting(
            key: "cluster.id", kind: .text, standard: nil, meaning: "identifies the cluster; the same on every node"),
        Setting(
            key: "cluster.node", kind: .integer(1...1_000_000), standard: nil,
            meaning: "this node's id among the members"),
        Setting(
            key: "cluster.members", kind: .members, standard: nil, meaning: "the first members: id, name, peer address"),
        Setting(
            key: "cluster.join", kind: .flag, standard: "false",
            meaning: "this node is added to a cluster that runs (amas cluster add); its members need not be named"),
        Setting(
            key: "cluster.data_folder", kind: .text, standard: nil,
            meaning: "holds the log, snapshots and identity of this node"),
        Setting(key: "cluster.listen", kind: .address, standard: nil, meaning: "where other members reach this node"),
        Setting(
            key: "cluster.certificate", kind: .text, standard: nil,
            meaning: "this node's certificate (PEM), made by `amas certs`; unless insecure"),
        Setting(key: "cluster.private_key", kind: .text, standard: nil, meaning: "its private key (PEM)"),
        Setting(
            key: "cluster.authorities", kind: .text, standard: nil, meaning: "the cluster's certificate authority (PEM)"
        ),
        Setting(
            key: "cluster.insecure", kind: .flag, standard: "false",
            meaning: "plaintext between members; for tests on loopback"),
        Setting(
            key: "cluster.heartbeat_milliseconds", kind: .integer(5...5000), standard: "50",
            meaning: "how often a leader is heard"),
        Setting(
            key: "cluster.election_milliseconds", kind: .integer(50...60000), standard: "500",
            meaning: "silence after which a new leader is sought"),
        Setting(
            key: "cluster.realtime_priority", kind: .integer(0...99), standard: "10",
            meaning: "SCHED_FIFO priority lent to Raft's threads that come late, where the system permits it; 0: none"),
        Setting(
            key: "cluster.priority", kind: .integer(0...Int(RaftSettings.highestPriority)),
            standard: "\(RaftSettings.highestPriority)",
            meaning: "how much this node is preferred as the leader: a lower one lets the others campaign first"),
        Setting(
            key: "cluster.outstanding_megabytes", kind: .integer(1...1024), standard: "64",
            meaning: "writes get 503 at this node while so much of them waits for the log"),
        Setting(
            key: "cluster.snapshot_megabytes_per_second", kind: .integer(1...10_000), standard: "64",
            meaning: "what snapshots sent to members that are far behind may take of the network and the disk"),
        Setting(
            key: "cluster.compat_version", kind: .integer(1...Int(Version.machine)), standard: "\(Version.machine)",
            meaning:
                "the machine version that this node does no more than; an older one keeps the way back open while others are upgraded"
        ),
        Setting(
            key: "cluster.admission_tasks", kind: .integer(1...10_000_000), standard: "500000",
            meaning: "of a new cluster: new tasks get 503 while PostgreSQL has not taken so many"),
        Setting(
            key: "cluster.admission_megabytes", kind: .integer(1...1_000_000), standard: "1024",
            meaning: "of a new cluster: new tasks get 503 while so much is live or not taken"),
        Setting(
            key: "http.listen", kind: .address, standard: "127.0.0.1:8080", meaning: "where clients reach this node"),
        Setting(key: "http.api_key_file", kind: .text, standard: nil, meaning: "the file with the API key"),
        Setting(
            key: "http.balancer_milliseconds", kind: .integer(0...10000), standard: "5000",
            meaning: "at its end a node answers so long after it has said that it is not ready"),
        Setting(
            key: "postgres.url", kind: .secretText, standard: "",
            meaning: "PostgreSQL connection string; empty runs without"),
        Setting(key: "postgres.connections", kind: .integer(1...64), standard: "4", meaning: "connections for queries"),
        Setting(
            key: "workspace.roots", kind: .list, standard: "",
            meaning: "folders that agents may read; the first one is `.`"),
        Setting(
            key: "executor.slots", kind: .integer(0...4096), standard: "32",
            meaning: "tasks that run here at once; 0 runs none"),
        Setting(
            key: "executor.tool_threads", kind: .integer(1...256), standard: "2", meaning: "threads for agents' tools"),
        Setting(
            key: "egress.allow_private", kind: .list, standard: "",
            meaning: "private address ranges that targets may name"),
        Setting(key: "providers", kind: .providers, standard: "", meaning: "AI providers in order of preference"),
        Setting(
            key: "log.level", kind: .text, standard: "info",
            meaning: "trace, debug, info, notice, warning, error or critical"),
        Setting(key: "log.format", kind: .text, standard: "json", meaning: "json or text"),
    ]
}
