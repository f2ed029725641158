import ArgumentParser
import Glibc
import Raft

/// How soon a member that was killed is where the others are: from its log and snapshot, and from a snapshot of the leader's.
struct RecoveryLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recovery", abstract: "Measures how soon a member that was killed has caught up.")
    @OptionGroup var target: TargetOptions
    @OptionGroup var peer: EtcdOptions
    @Option(help: "The folder of our members.") var folder: String
    @Option(help: "Commands committed before anything is measured.") var commits = 1_000_000
    @Option(help: "Commands committed while a member is down, so that it needs a snapshot.") var missed = 150_000
    @Option(help: "How often each is measured; medians are printed.") var rounds = 5
    @Option(help: "Part of the figures' names.") var label = "restart"
    @Flag(help: "Measure no snapshots.") var restartsOnly = false

    private static let clients = 256

    func run() async throws {
        let ours = OurMembers(generator: try await CommandGenerator(target.target), members: Members(folder: folder))
        let etcd = try peer.cluster()
        let stolen = StolenTime()
        Report.say("committing \(commits) commands of 512 B on each")
        try await ours.generator.commit(commits, clients: Self.clients)
        try await etcd.commit(commits, by: try await etcd.leader(), clients: Self.clients)
        try await etcd.forgetHistory()
        try await measure(label, ours, etcd, missed: 0)
        if !restartsOnly { try await measure("rejoin_by_snapshot", ours, etcd, missed: missed) }
        Report.say("the host took \(Int(stolen.percent)) % of the machine meanwhile")
        await ours.generator.stop()
    }

    private func measure(_ name: String, _ ours: OurMembers, _ etcd: Etcd, missed: Int) async throws {
        var times: (ours: [Double], etcd: [Double]) = ([], [])
        for round in 1...rounds {
            times.ours.append(try await ours.recovery(missed: missed, clients: Self.clients))
            times.etcd.append(try await etcd.recovery(missed: missed, clients: Self.clients))
            Report.say(
                "\(name) \(round)/\(rounds): \(Int(times.ours.last ?? 0)) ms, etcd \(Int(times.etcd.last ?? 0)) ms")
        }
        try Figure(
            "recovery_\(name)_\(Self.clients)", times.ours.sorted().percentile(0.5), "ms",
            peer: times.etcd.sorted().percentile(0.5), etcd.name
        ).print()
    }
}

private struct OurMembers {
    let generator: CommandGenerator
    let members: Members

    /// Milliseconds from a follower's start until it has applied what the leader had when it was started.
    func recovery(missed: Int, clients: Int) async throws -> Double {
        let leader = try await generator.leader()
        let victim = try follower(of: Int(leader.rawValue), among: members)
        try members.signal(victim, SIGKILL)
        if missed > 0 { try await generator.commit(missed, clients: clients) }
        guard let goal = await generator.applied(at: leader) else {
            throw BenchmarkFailure(description: "the leader is gone")
        }
        return try await caughtUp(members, victim) {
            (await generator.applied(at: NodeID(UInt64(victim))) ?? .zero) >= goal
        }
    }
}

extension Etcd {
    fileprivate func recovery(missed: Int, clients: Int) async throws -> Double {
        let leader = try await leader()
        let victim = try follower(of: leader, among: members)
        try members.signal(victim, SIGKILL)
        if missed > 0 { try await commit(missed, by: leader, clients: clients) }
        guard let goal = await status(of: leader)?.appliedIndex else {
            throw BenchmarkFailure(description: "\(name)'s leader is gone")
        }
        return try await caughtUp(members, victim) { (await status(of: victim)?.appliedIndex ?? 0) >= goal }
    }
}

private func follower(of leader: Int, among members: Members) throws -> Int {
    guard let follower = members.ids.first(where: { $0 != leader }) else {
        throw BenchmarkFailure(description: "a cluster of one has no follower")
    }
    return follower
}

private func caughtUp(_ members: Members, _ victim: Int, _ isThere: () async -> Bool) async throws -> Double {
    try await members.end(of: victim)
    let begun = ContinuousClock.now
    try await members.start(victim)
    while await !isThere() {
        guard ContinuousClock.now - begun < .seconds(300) else {
            throw BenchmarkFailure(description: "member \(victim) of \(members.folder) does not catch up")
        }
        try await Task.sleep(for: .milliseconds(2))
    }
    return (ContinuousClock.now - begun) / .milliseconds(1)
}
