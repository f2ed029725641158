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
/// successor begins where this one was lost. What the state refuses as fenced ends the run: somebody else has the task.
struct TaskRun: Sendable {
    let key: TaskKey
    let epoch: Epoch
    let cluster: Cluster
    let runner: StepRunner
    let reporter: ProgressReporter
    let counters: ExecutionCounters
    let logger: Logger

    /// How often a step that may not begin looks again.
    private static let fencePause = Duration.milliseconds(50)

    func run() async {
        let start = ContinuousClock.now
        defer { reporter.forget(key) }
        guard let view = cluster.state.task(key), view.assignment?.epoch == epoch else { return }
        let ready = cluster.state.readySteps(of: key)
        guard await commit(.taskStarted(.with {
            $0.taskID = key.id
            $0.epoch = epoch.rawValue
            $0.steps = ready
        })) != .lost else { return }
        await runSteps(view.spec, started: ready, since: start)
    }

    private func runSteps(_ spec: TaskSpec, started: [UInt32], since start: ContinuousClock.Instant) async {
        var begun = started
        await withTaskGroup(of: (UInt32, StepReport?).self) { group in
            while !Task.isCancelled {
                guard cluster.state.task(key)?.assignment?.epoch == epoch, await mayBegin() else { break }
                // The state names a step ready until it is told that it has begun.
                let ready = cluster.state.readySteps(of: key)
                if !ready.isEmpty {
                    guard await commit(.stepStarted(.with {
                        $0.taskID = key.id
                        $0.epoch = epoch.rawValue
                        $0.steps = ready
                    })) != .lost else { break }
                    begun += ready
                }
                for ordinal in begun { group.addTask { (ordinal, await runStep(ordinal, of: spec)) } }
                begun = []
                guard let (ordinal, report) = await group.next(), let report,
                    await complete(ordinal, report, spec: spec, since: start)
                else { break }
            }
            group.cancelAll()
        }
    }

    /// A node that does not hear a leader may have been replaced already: it begins nothing (`design/state.md` 16).
    private func mayBegin() async -> Bool {
        while cluster.status?.isFenced(cluster.configuration.limits) != false {
            do {
                try await Task.sleep(for: Self.fencePause)
            } catch {
                return false
            }
        }
        return true
    }

    private func runStep(_ ordinal: UInt32, of spec: TaskSpec) async -> StepReport? {
        let step = spec.steps[Int(ordinal)]
        let total = spec.steps.count
        return await runner.run(step, of: spec) { progress in
            let done = cluster.state.task(key)?.progressPercent ?? 0
            reporter.tell(
                key, percent: min(99, done + progress.percent / total), agent: step.agent, step: progress.step)
        }
    }

    /// Commits a finished step, and with the last one the end of the task. Returns whether the run goes on.
    private func complete(
        _ ordinal: UInt32, _ report: StepReport, spec: TaskSpec, since start: ContinuousClock.Instant
    ) async -> Bool {
        var skipped: Set<UInt32> = []
        if report.outcome != .completed { skipped = dependents(of: ordinal, in: spec) }
        let steps = cluster.state.steps(of: key)
        let undone = steps.filter { step in
            guard step.ordinal != ordinal, !skipped.contains(step.ordinal) else { return false }
            switch step.status {
            case .completed, .failed, .skipped: return false
            case nil, .running, .interrupted: return true
            }
        }
        for other in skipped.sorted() {
            guard await commit(.stepCompleted(.with {
                $0.taskID = key.id
                $0.epoch = epoch.rawValue
                $0.step = other
                $0.outcomeCode = .skipped
            })) != .lost else { return false }
        }
        let finish = undone.isEmpty ? finish(with: ordinal, report, skipped: skipped, steps: steps, since: start) : nil
        let result = await commit(.stepCompleted(.with {
            $0.taskID = key.id
            $0.epoch = epoch.rawValue
            $0.step = ordinal
            $0.outcomeCode = report.outcome
            if let payload = report.payload { $0.result = payload }
            $0.summary = report.summary
            if let usage = report.usage { $0.usage = usage }
            $0.durationMilliseconds = report.durationMilliseconds
            if let quality = report.qualityPpm { $0.qualityPpm = quality }
            if let failure = report.failure { $0.failure = failure }
            if let finish { $0.finish = finish }
        }))
        if result == .lost, let usage = report.usage, !Task.isCancelled { await reportUsage(usage, of: ordinal) }
        return result == .committed && finish == nil
    }

    private func finish(
        with ordinal: UInt32, _ report: StepReport, skipped: Set<UInt32>, steps: [StepView], since start: ContinuousClock.Instant
    ) -> Finish {
        let parts = steps.map { step -> Aggregation.Part in
            if step.ordinal == ordinal {
                return .init(agent: step.plan.agent, outcome: report.outcome, result: report.result)
            }
            if skipped.contains(step.ordinal) || step.status != .completed {
                return .init(agent: step.plan.agent, outcome: .failed, result: nil)
            }
            let bytes = step.record.flatMap { try? $0.result.decoded() }
            return .init(
                agent: step.plan.agent, outcome: .completed,
                result: bytes.flatMap { try? AgentJSON.decode(AgentResult.self, from: $0) })
        }
        return Aggregation.finish(
            parts, durationMilliseconds: UInt64((ContinuousClock.now - start) / .milliseconds(1)))
    }

    /// Everything that needs the step, directly or not.
    private func dependents(of ordinal: UInt32, in spec: TaskSpec) -> Set<UInt32> {
        var lost: Set<UInt32> = [ordinal]
        for (place, step) in spec.steps.enumerated() where step.needs.contains(where: lost.contains) {
            lost.insert(UInt32(place))
        }
        lost.remove(ordinal)
        return lost
    }

    /// What a fenced attempt cost is booked all the same.
    private func reportUsage(_ usage: StepUsage, of ordinal: UInt32) async {
        _ = try? await cluster.propose(
            .usageReported(.with {
                $0.taskID = key.id
                $0.epoch = epoch.rawValue
                $0.step = ordinal
                $0.usage = usage
            }), tenant: key.tenant)
    }

    // MARK: Committing

    private enum CommitResult {
        case committed
        /// The task is no longer this run's, or the node is stopping.
        case lost
    }

    /// Proposes until there is an outcome. A proposal that was given up may have taken effect; then the repetition is told so.
    private func commit(_ body: Command.OneOf_Body) async -> CommitResult {
        var pause = Duration.milliseconds(50)
        while true {
            do throws(RequestError) {
                return judge(try await cluster.propose(body, tenant: key.tenant))
            } catch {
                switch error {
                case .stopped, .tooLarge:
                    logger.warning("a step cannot be committed", metadata: ["task_id": "\(key.id)", "error": "\(error)"])
                    return .lost
                case .noQuorum, .timedOut, .overloaded: break
                }
            }
            guard cluster.state.task(key)?.assignment?.epoch == epoch, (try? await Task.sleep(for: pause)) != nil else {
                return .lost
            }
            pause = min(pause * 2, .seconds(1))
        }
    }

    private func judge(_ outcome: Outcome) -> CommitResult {
        switch outcome {
        case .done, .task, .replayed: return .committed
        case .rejected(.stepAlreadyCompleted): return .committed
        case .rejected(.fenced):
            counters.fenced.increment()
            logger.notice("a late result was fenced", metadata: ["task_id": "\(key.id)", "epoch": "\(epoch.rawValue)"])
            return .lost
        case .rejected(let reason):
            logger.warning("a step was refused", metadata: ["task_id": "\(key.id)", "reason": "\(reason)"])
            return .lost
        }
    }
}
