import ArgumentParser
import Egress
import FoundationEssentials
import Glibc
import Logging
import Synchronization

/// Kills the leader of a cluster that `cluster/up` made, again and again, under load through the balancer.
struct FailoverLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failover", abstract: "Measures what clients of the balancer notice when the leader is killed.")
    @Option(help: "The folder of the cluster.") var data: String
    @Option(help: "The script that starts a node again.") var start: String
    @Option(help: "How often the leader is killed. A p99 takes 300.") var kills: Int = 30
    @Option(help: "Clients, each with one request outstanding.") var clients: Int = 8

    func run() async throws {
        let cluster = try BenchedCluster(folder: data, startScript: start)
        let load = TaskLoad(cluster)
        var gaps: [Double] = []
        var firsts: [Double] = []
        try await load.run(clients: clients) {
            try await Task.sleep(for: .seconds(2))
            for kill in 1...kills {
                let leader = try await cluster.leader()
                let killed = ContinuousClock.now
                try cluster.kill(leader)
                try await Task.sleep(for: .seconds(2))
                let (first, gap) = try load.seen(after: killed)
                firsts.append(first)
                gaps.append(gap)
                try await cluster.restart(leader)
                Report.say(
                    "kill \(kill)/\(kills): \(leader), first success after \(Int(first)) ms, longest gap \(Int(gap)) ms"
                )
            }
        }
        let report = load.report
        try await load.expectAllKept()
        gaps.sort()
        firsts.sort()
        let tail = kills >= 300 ? ("p99", 0.99) : ("maximum", 1.0)
        try Figure("failover_first_success_median_\(clients)", firsts.percentile(0.5), "ms").print()
        try Figure("failover_first_success_\(tail.0)_\(clients)", firsts.percentile(tail.1), "ms").print()
        try Figure("failover_gap_median_\(clients)", gaps.percentile(0.5), "ms").print()
        try Figure("failover_gap_\(tail.0)_\(clients)", gaps.percentile(tail.1), "ms").print()
        try Figure("failover_failed_requests_\(clients)", Double(report.failures.count), "requests").print()
        try Figure("failover_lost_tasks_\(clients)", Double(report.lost), "tasks").print()
        Report.say("\(report.accepted) tasks accepted over \(kills) kills")
        for failure in report.failures.prefix(5) { Report.say("failed: \(failure)") }
    }
}
