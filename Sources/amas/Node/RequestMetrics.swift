import Orchestration
import Raft
import RaftServer
import Synchronization
import Telemetry

/// What this node's clients asked of the cluster through Raft, and what its elections cost them.
final class RequestMetrics: Sendable {
    private struct State {
        var elections = Elections()
        var leaderless: Leaderless
        var leadsElsewhere = false
    }

    private let state: Mutex<State>
    private let clock: @Sendable () -> UInt64
    private let commit: Histogram
    private let readIndex: Histogram
    private let failedProposals: CounterFamily
    private let reads: CounterFamily
    private let forwarded: CounterFamily
    private let held: Histogram
    private let elections: CounterFamily

    /// - Parameter clock: microseconds that never go back.
    init(registry: MetricsRegistry, clock: @escaping @Sendable () -> UInt64 = RequestMetrics.clock()) {
        self.clock = clock
        state = Mutex(State(leaderless: Leaderless(since: clock())))
        commit = registry.histogram(
            "amas_raft_commit_duration_seconds",
            help: "From a proposal of this node to its outcome here, waits for a leader included.", unit: .seconds,
            buckets: .disk)
        readIndex = registry.histogram(
            "amas_raft_read_index_duration_seconds", help: "Time of a linearizable read of this node.", unit: .seconds,
            buckets: .disk)
        failedProposals = registry.counters(
            "amas_raft_proposals_failed_total", help: "Proposals of this node without an outcome.",
            labels: [.known("reason", RequestError.metricLabels)])
        let results = MetricLabel.known("result", ["ok"] + RequestError.metricLabels)
        reads = registry.counters(
            "amas_raft_reads_total", help: "Linearizable reads of this node.", labels: [results])
        forwarded = registry.counters(
            "amas_forwarded_requests_total", help: "Proposals and reads of this node that another one led.",
            labels: [results])
        held = registry.histogram(
            "amas_hold_duration_seconds",
            help: "Time that proposals and reads of this node have waited for a leader; of those that did.",
            unit: .seconds, buckets: .database)
        elections = registry.counters(
            "amas_raft_elections_total", help: "Candidacies of this node.",
            labels: [.known("result", Elections.Result.allCases.map(\.rawValue))])
    }

    /// Microseconds since the call.
    static func clock() -> @Sendable () -> UInt64 {
        let start = ContinuousClock.now
        return { UInt64((ContinuousClock.now - start) / .microseconds(1)) }
    }

    func standingChanged(_ standing: Standing) {
        let now = clock()
        let result = state.withLock { state in
            state.leaderless.changed(hasLeader: standing.leader != nil, at: now)
            state.leadsElsewhere = standing.leader != nil && standing.role != .leader
            return state.elections.changed(standing)
        }
        if let result { elections.with(result.rawValue).increment() }
    }

    func answered(_ kind: RequestKind, microseconds: UInt64, error: RequestError?) {
        let now = clock()
        let (waited, leadsElsewhere) = state.withLock {
            ($0.leaderless.microseconds(from: now - min(now, microseconds), to: now), $0.leadsElsewhere)
        }
        if waited > 0 { held.observe(.microseconds(waited)) }
        let result = error?.metricLabel ?? "ok"
        if leadsElsewhere { forwarded.with(result).increment() }
        switch (kind, error) {
        case (.proposal, nil): commit.observe(.microseconds(microseconds))
        case (.proposal, _?): failedProposals.with(result).increment()
        case (.read, _):
            readIndex.observe(.microseconds(microseconds))
            reads.with(result).increment()
        }
    }

    func register(_ cluster: Cluster, registry: MetricsRegistry) {
        registry.gauge(
            "amas_held_requests", help: "Proposals and reads of this node that wait for a leader.",
            sampledBy: {
                cluster.status.map { $0.standing.leader == nil ? Double(cluster.outstandingRequests) : 0 }
            })
    }
}

extension RequestError {
    static let metricLabels = ["no_quorum", "timeout", "overloaded", "too_large", "stopped", "cancelled"]

    var metricLabel: String {
        switch self {
        case .noQuorum: "no_quorum"
        case .diskFull: "disk_full"
        case .timedOut: "timeout"
        case .overloaded: "overloaded"
        case .tooLarge: "too_large"
        case .stopped: "stopped"
        case .cancelled: "cancelled"
        }
    }
}
