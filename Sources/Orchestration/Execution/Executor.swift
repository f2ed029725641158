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
        var token: ObserverToken?
        var loop: Task<Void, Never>?
        var isStopping = false
    }

    /// What the state says about tasks of this node.
    private enum Order {
        case change(AssignmentChange)
        case reconcile
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
        let (orders, continuation) = AsyncStream<Order>.makeStream(bufferingPolicy: .unbounded)
        let mine: @Sendable (Assignment) -> Bool = { [identity = cluster.identity] assignment in
            assignment.node == identity.node && assignment.boot == identity.boot
        }
        // The queue is bounded by what apply assigns: one order for each task of this node and each end of one.
        let token = cluster.observe { batch in
            if batch.isRestored { continuation.yield(.reconcile) }
            for change in batch.applied.lazy.flatMap(\.assignments) {
                switch change {
                case .assigned(_, let assignment), .released(_, let assignment), .cancelRequested(_, let assignment):
                    if mine(assignment) { continuation.yield(.change(change)) }
                }
            }
        }
        continuation.yield(.reconcile)
        let loop = Task { [weak self] in
            for await order in orders { self?.follow(order) }
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
        for task in rest { task.cancel() }
        for task in rest { await task.value }
    }

    public var runningCount: Int { state.withLock { $0.running.count } }

    private func follow(_ order: Order) {
        switch order {
        case .reconcile: reconcile()
        case .change(.assigned(let key, let assignment)): begin(key, assignment.epoch)
        case .change(.released(let key, let assignment)): end(key, assignment.epoch)
        case .change(.cancelRequested(let key, let assignment)): cancel(key, assignment.epoch)
        }
    }

    /// After a start, or when the state came as a snapshot: what should run is what the state says.
    private func reconcile() {
        let current = cluster.state
        let assigned = current.assignments(of: cluster.identity.node, boot: cluster.identity.boot)
        for key in assigned {
            guard let view = current.task(key), let assignment = view.assignment else { continue }
            if view.status == .cancelling { cancel(key, assignment.epoch) } else { begin(key, assignment.epoch) }
        }
        let wanted = Set(assigned)
        for (key, running) in state.withLock({ $0.running }) where !wanted.contains(key) { end(key, running.epoch) }
    }

    private func begin(_ key: TaskKey, _ epoch: Epoch) {
        let run = TaskRun(
            key: key, epoch: epoch, cluster: cluster, runner: runner, reporter: reporter, counters: counters,
            logger: logger)
        let previous: Running? = state.withLock { state in
            // After a snapshot the queue may still hold orders that the state has outrun: an older one takes nothing away.
            let previous = state.running[key]
            guard !state.isStopping, previous.map({ $0.epoch < epoch }) ?? true else { return nil }
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

    private func end(_ key: TaskKey, _ epoch: Epoch) {
        state.withLock { $0.running[key]?.epoch == epoch ? $0.running[key]?.task : nil }?.cancel()
    }

    private func cancel(_ key: TaskKey, _ epoch: Epoch) {
        let running = state.withLock { $0.running[key]?.epoch == epoch ? $0.running[key]?.task : nil }
        running?.cancel()
        Task { [cluster] in
            await running?.value
            _ = try? await cluster.propose(
                .cancelAcknowledged(
                    .with {
                        $0.taskID = key.id
                        $0.epoch = epoch.rawValue
                    }), tenant: key.tenant)
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
