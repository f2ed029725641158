import ArgumentParser
import Egress
import Glibc

/// Takes the leader away, again and again, under load through the balancer: from a cluster that `cluster/up` made and, in turn
/// with it, from etcd's with its own timers and with ours.
struct FailoverLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failover", abstract: "Measures what clients notice when the leader is killed or paused.")
    @Option(help: "The folder of the cluster.") var data: String
    @Option(help: "The script that starts a node again.") var start: String
    @Option(help: "How often the leader is killed. A p99 takes 300.") var kills: Int = 30
    @Option(help: "How often it is paused.") var pauses: Int = 5
    @Option(help: "Clients, each with one request outstanding.") var clients: Int = 8
    @Option(help: "The folder of etcd's members with its default timers, the port below theirs.") var etcd: String
    @Option(help: "The port below those of etcd's members with default timers.") var etcdPort: Int
    @Option(help: "The folder of etcd's members with our timers.") var equal: String
    @Option(help: "The port below those of etcd's members with our timers.") var equalPort: Int
    @Option(help: "What etcd calls itself, with its version.") var etcdName: String

    private struct Times {
        var firsts: [Double] = []
        var gaps: [Double] = []
        var defaults: [Double] = []
        var equal: [Double] = []
    }

    func run() async throws {
        let cluster = try BenchedCluster(folder: data, startScript: start)
        let load = TaskLoad(cluster)
        let peers = (
            defaults: try Etcd(folder: etcd, port: etcdPort, name: etcdName),
            equal: try Etcd(folder: equal, port: equalPort, name: "\(etcdName) with our timers")
        )
        let stolen = StolenTime()
        for (kind, signal, count) in [("", SIGKILL, kills), ("pause_", SIGSTOP, pauses)] where count > 0 {
            var times = Times()
            for number in 1...count {
                let (first, gap) = try await ours(cluster, load, signal)
                times.firsts.append(first)
                times.gaps.append(gap)
                times.defaults.append(try await peers.defaults.firstSuccess(after: signal, clients: clients))
                times.equal.append(try await peers.equal.firstSuccess(after: signal, clients: clients))
                Report.say(
                    """
                    \(signal == SIGKILL ? "kill" : "pause") \(number)/\(count): first success after \(Int(first)) ms, \
                    longest gap \(Int(gap)) ms; etcd \(Int(times.defaults.last ?? 0)) ms, with our timers \
                    \(Int(times.equal.last ?? 0)) ms
                    """)
            }
            try report(kind, times, peers.defaults.name, peers.equal.name)
        }
        try await load.expectAllKept()
        let report = load.report
        try Figure("failover_failed_requests_\(clients)", Double(report.failures.count), "requests").print()
        try Figure("failover_lost_tasks_\(clients)", Double(report.lost), "tasks").print()
        Report.say(
            """
            \(report.accepted) tasks accepted over \(kills) kills and \(pauses) pauses; the host took \
            \(Int(stolen.percent)) % of the machine meanwhile
            """)
        for failure in report.failures.prefix(5) { Report.say("failed: \(failure)") }
    }

    private func ours(_ cluster: BenchedCluster, _ load: TaskLoad, _ signal: Int32) async throws -> (Double, Double) {
        let leader = try await cluster.leader()
        return try await load.run(clients: clients) {
            try await Task.sleep(for: .milliseconds(500))
            let death = ContinuousClock.now
            try cluster.signal(leader, signal)
            try await Task.sleep(for: .seconds(2))
            let seen = try load.seen(after: death)
            if signal == SIGKILL { try await cluster.restart(leader) } else { try cluster.signal(leader, SIGCONT) }
            return seen
        }
    }

    private func report(_ kind: String, _ times: Times, _ defaults: String, _ equal: String) throws {
        let tail = times.firsts.count >= 300 ? ("p99", 0.99) : ("maximum", 1.0)
        for (name, share) in [("median", 0.5), tail] {
            let ours = times.firsts.sorted().percentile(share)
            for (suffix, peer, peerName) in [("", times.defaults, defaults), ("_equal_timers", times.equal, equal)] {
                try Figure(
                    "failover_\(kind)first_success_\(name)\(suffix)_\(clients)", ours, "ms",
                    peer: peer.sorted().percentile(share), peerName
                ).print()
            }
            try Figure("failover_\(kind)gap_\(name)_\(clients)", times.gaps.sorted().percentile(share), "ms").print()
        }
    }
}
