import Agents
import ClusterState
import Logging
import Raft
import RaftServer
import SwiftProtobuf
import Telemetry

/// One attempt at one task on this node, from its assignment to its end or its loss.
///
/// The plan is a graph: whatever has all it needs runs, side by side. Every finished step is committed before the run goes on, so a
/// successor begins where this one was lost. What is to be done next is read off the state each time, never remembered: a run
/// that begins in the middle does the same as one that began at the start.
///
/// `TaskRun+Steps` runs and completes steps, `TaskRun+Commit` speaks to the log.
struct TaskRun: Sendable {
    let key: TaskKey
    let epoch: Epoch
    let cluster: Cluster
    let runner: StepRunner
    let reporter: ProgressReporter
    let counters: ExecutionCounters
    let logger: Logger
    /// The node gives up what runs: nobody waits for the outcome of a proposal any more.
    let isStopping: @Sendable () -> Bool

    /// How often a node without a leader looks again.
    static let fencePause = Duration.milliseconds(50)

    /// How the running of a step has ended.
    enum StepEnd: Sendable {
        case reported(StepReport)
        /// By cancellation: whoever cancelled knows what comes next.
        case cancelled
        /// This node may have been replaced: run again once it is known that it was not.
        case fenced
    }

    func run() async {
        let trace = cluster.state.task(key).flatMap { Telemetry.TraceContext($0.spec.trace) }
        await LogContext.with(trace: trace, taskID: key.id) { await runInContext() }
    }

    private func runInContext() async {
        let start = ContinuousClock.now
        defer { reporter.forget(key) }
        guard let view = cluster.state.task(key), view.assignment?.epoch == epoch else { return }
        let begun = await commit(
            .taskStarted(
                .with {
                    $0.taskID = key.id
                    $0.epoch = epoch.rawValue
                    $0.steps = cluster.state.readySteps(of: key)
                }))
        switch begun {
        case .committed:
            logger.info(
                "task begun",
                metadata: [
                    "epoch": .stringConvertible(epoch.rawValue), "attempt": .stringConvertible(view.record.attempt),
                ])
            await runSteps(view, since: start)
            let status = cluster.state.task(key)?.status.name ?? "gone"
            logger.info("task left", metadata: ["epoch": .stringConvertible(epoch.rawValue), "status": "\(status)"])
        case .refused(let reason): await fail("the task could not be begun: \(reason)")
        case .taken, .stopped: return
        }
    }

    private func runSteps(_ view: TaskView, since start: ContinuousClock.Instant) async {
        await withTaskGroup(of: (UInt32, StepEnd).self) { group in
            var inFlight: Set<UInt32> = []
            while await mayGoOn() {
                guard await skipDoomed(view.spec, since: start) else { break }
                guard let steps = await begin(besides: inFlight) else { break }
                for ordinal in steps {
                    inFlight.insert(ordinal)
                    group.addTask { (ordinal, await runStep(ordinal, of: view)) }
                }
                guard let (ordinal, end) = await group.next() else {
                    // Every open step waits for another one: a plan that the state should not have taken.
                    if !Task.isCancelled { await fail("no step of the plan can begin") }
                    break
                }
                inFlight.remove(ordinal)
                let goesOn =
                    switch end {
                    case .reported(let report): await complete(ordinal, report, since: start)
                    case .fenced: true
                    case .cancelled: false
                    }
                guard goesOn else { break }
            }
            group.cancelAll()
        }
    }

    /// A node that does not hear a leader may have been replaced already: it begins nothing (`design/state.md` 16).
    private func mayGoOn() async -> Bool {
        while !Task.isCancelled {
            guard isOurs else { return false }
            if !cluster.isFenced { return true }
            try? await Task.sleep(for: Self.fencePause)
        }
        return false
    }

    var isOurs: Bool { cluster.state.task(key)?.assignment?.epoch == epoch }

    /// What can run now and does not: steps that nobody has begun, and steps that this assignment began and let go of while it
    /// was fenced. Nil if the task is lost.
    private func begin(besides inFlight: Set<UInt32>) async -> [UInt32]? {
        let state = cluster.state
        let fresh = state.readySteps(of: key)
        if !fresh.isEmpty {
            let begun = await commit(
                .stepStarted(
                    .with {
                        $0.taskID = key.id
                        $0.epoch = epoch.rawValue
                        $0.steps = fresh
                    }))
            switch begun {
            case .committed: break
            case .refused(let reason):
                await fail("a step could not be begun: \(reason)")
                return nil
            case .taken, .stopped: return nil
            }
        }
        return cluster.state.steps(of: key).filter { step in
            step.status == .running && step.record?.epoch == epoch.rawValue && !inFlight.contains(step.ordinal)
        }.map(\.ordinal)
    }
}
