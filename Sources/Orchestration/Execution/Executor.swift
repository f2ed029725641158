import ClusterState
public import Logging
import Raft
import RaftServer
import SwiftProtobuf
import Telemetry
import Synchronization

/// Runs the tasks that the log has assigned to this run of this node, and stops those it has taken away.
///
/// It decides nothing: apply assigns within the node's slots, and every checkpoint is committed under the assignment's epoch.
public final class Executor: Sendable {
    private struct Running {
        var epoch: Epoch
        var task: Task<Void, Never>
    }

    private struct State {
        var running: [TaskKey: Running] = [:]
        /// Cancellations that are being acknowledged.
        var acknowledging: [TaskKey: Epoch] = [:]
        var token: ObserverToken?
        var loop: Task<Void, Never>?
        var isStopping = false
    }

    private let cluster: Cluster
    private let runner: StepRunner
    private let reporter: ProgressReporter
    private let counters: ExecutionCounters
    private let logger: Logger
    private let state = Mutex(State())

    public init(
        cluster: Cluster, runner: StepRunner, reporter: ProgressReporter, counters: ExecutionCounters, logger: Logger
    ) {
        self.cluster = cluster
        self.runner = runner
        self.reporter = reporter
        self.counters = counters
        self.logger = logger
    }

    /// Begins to take tasks.
    public func start() {
        // A notice says only that something has changed: many that come at once are one.
        let (notices, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let identity = cluster.identity
        let token = cluster.observe { batch in
            let concernsThis =
                batch.isRestored
                || batch.applied.lazy.flatMap(\.assignments).contains { change in
                    switch change {
                    case .assigned(_, let assignment), .released(_, let assignment),
                        .cancelRequested(_, let assignment):
                        assignment.node == identity.node && assignment.boot == identity.boot
                    }
                }
            if concernsThis { continuation.yield() }
        }
        continuation.yield()
        let loop = Task { [weak self] in
            for await _ in notices { self?.follow() }
        }
        state.withLock { state in
            state.token = token
            state.loop = loop
        }
    }

    /// Waits for running tasks, at most so long, then gives up what is left: it is assigned elsewhere when this node is gone.
    public func stop(patience: Duration) async {
        let deadline = ContinuousClock.now + patience
        while runningCount > 0, ContinuousClock.now < deadline {
            guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { break }
        }
        let (token, loop, rest) = state.withLock { state in
            state.isStopping = true
            defer { state.running = [:] }
            return (state.token, state.loop, state.running.values.map(\.task))
        }
        if let token { cluster.remove(token) }
        loop?.cancel()
        // Nor for what they have proposed: it may take effect all the same.
        for task in rest { task.cancel() }
        for task in rest { await task.value }
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }
    public var runningCount: Int { state.withLock { $0.running.count } }

    /// What runs comes to be what the state says should run.
    private func follow() {
        let current = cluster.state
        let assigned = current.assignments(of: cluster.identity.node, boot: cluster.identity.boot)
        for key in assigned {
            guard let view = current.task(key), let assignment = view.assignment else { continue }
            if view.status == .cancelling { cancel(key, assignment.epoch) } else { begin(key, assignment.epoch) }
        }
        let wanted = Set(assigned)
        let lost = state.withLock { state in state.running.filter { !wanted.contains($0.key) }.map(\.value.task) }
        for task in lost { task.cancel() }
    }

    private func begin(_ key: TaskKey, _ epoch: Epoch) {
        let run = TaskRun(
            key: key, epoch: epoch, cluster: cluster, runner: runner, reporter: reporter, counters: counters,
            logger: logger, isStopping: { [weak self] in self?.isStopping ?? true })
        let previous: Running? = state.withLock { state in
            let previous = state.running[key]
            // A run that has just ended is not to be begun again: the state shows its end before it leaves `running`.
            guard !state.isStopping, previous.map({ $0.epoch < epoch }) ?? true,
                cluster.state.task(key)?.assignment?.epoch == epoch
            else { return nil }
            state.running[key] = Running(
                epoch: epoch,
                task: Task { [weak self] in
                    await run.run()
                    self?.ended(key, epoch)
                })
            counters.started.increment()
            counters.running.set(state.running.count)
            return previous
        }
        previous?.task.cancel()
    }

    /// Says that nothing runs any more, once that is so.
    private func cancel(_ key: TaskKey, _ epoch: Epoch) {
        let running: Task<Void, Never>?? = state.withLock { state in
            guard state.acknowledging[key].map({ $0 < epoch }) ?? true else { return nil }
            state.acknowledging[key] = epoch
            return .some(state.running[key]?.epoch == epoch ? state.running[key]?.task : nil)
        }
        guard let running else { return }
        running?.cancel()
        Task { [weak self, cluster] in
            await running?.value
            _ = try? await cluster.propose(
                .cancelAcknowledged(
                    .with {
                        $0.taskID = key.id
                        $0.epoch = epoch.rawValue
                    }), tenant: key.tenant)
            self?.state.withLock { state in
                if state.acknowledging[key] == epoch { state.acknowledging[key] = nil }
            }
        }
    }

    private func ended(_ key: TaskKey, _ epoch: Epoch) {
        state.withLock { state in
            guard state.running[key]?.epoch == epoch else { return }
            state.running[key] = nil
            counters.running.set(state.running.count)
        }
    }
}
