import ArgumentParser
import RaftServer

/// Commands committed by three members of ours and, in turn with them, puts by three of etcd.
struct ReplicationLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replication", abstract: "Measures how fast 512 B commands are committed on three members.")
    @OptionGroup var target: TargetOptions
    @OptionGroup var peer: EtcdOptions
    @Option(help: "How many clients, one measurement each.") var clients: [Int] = [1, 64, 256]
    @Option(help: "Seconds of each measurement.") var seconds: Int = 10
    @Option(help: "How often each is measured; medians are printed.") var rounds: Int = 3

    func run() async throws {
        let generator = try await CommandGenerator(target.target)
        let etcd = try peer.cluster()
        for clients in clients {
            var ours: [Measurement] = []
            var theirs: [Measurement] = []
            let stolen = StolenTime()
            for _ in 0..<rounds {
                ours.append(try await generator.measure(clients: clients, seconds: seconds))
                theirs.append(try await etcd.measure(clients: clients, seconds: seconds))
            }
            func figure(_ name: String, _ unit: String, _ value: (Measurement) -> Double) throws {
                try Figure(
                    "replication_\(name)_\(clients)", ours.median(value), unit, peer: theirs.median(value), etcd.name
                ).print()
            }
            try figure("throughput", "commands/s", \.perSecond)
            try figure("p50", "ms") { $0.latencies.percentile(0.5) }
            try figure("p99", "ms") { $0.latencies.percentile(0.99) }
            Report.say(
                """
                \(clients) clients: the generators used \(Int(ours.median(\.generatorShare) * 100)) % (ours) and \
                \(Int(theirs.median(\.generatorShare) * 100)) % (h2load) of a core; \
                the host took \(Int(stolen.percent)) % of the machine meanwhile
                """)
        }
        await generator.stop()
    }
}

/// Where our three members are.
struct TargetOptions: ParsableArguments {
    @Option(help: "The members' peer addresses in the order of their ids, separated by commas.") var members: String
    @Option(help: "The cluster's id.") var cluster: String
    @Option(help: "The folder with the certificates of `amas certs`.") var certificates: String
    @Option(help: "The id that the load's own certificate names.") var id: UInt64

    var target: CommandGenerator.Target {
        CommandGenerator.Target(
            members: members.split(separator: ",").compactMap { PeerAddress(String($0)) }, cluster: cluster,
            certificates: certificates, id: id)
    }
}
