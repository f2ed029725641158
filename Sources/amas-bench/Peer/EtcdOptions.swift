import ArgumentParser

/// Where etcd is that was started beside us.
struct EtcdOptions: ParsableArguments {
    @Option(help: "The folder of etcd's members.") var etcd: String
    @Option(help: "The port below those of etcd's members.") var etcdPort: Int
    @Option(help: "What etcd calls itself, with its version.") var etcdName: String

    func cluster() throws -> Etcd { try Etcd(folder: etcd, port: etcdPort, name: etcdName) }
}
