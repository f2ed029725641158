import Agents
import ClusterState
import Logging
import SwiftProtobuf

// Running steps, and what their ends mean for the plan.
extension TaskRun {
    /// Runs one step until it has ended, was cancelled, or this node must let go of it. Nothing of it is left running.
    func runStep(_ ordinal: UInt32, of view: TaskView) async -> StepEnd {
        await withTaskGroup(of: StepEnd.self) { group in
            group.addTask { await work(ordinal, of: view) }
            group.addTask { await waitForFence() }
            let first = await group.next() ?? .cancelled
            group.cancelAll()
            switch first {
            case .reported, .cancelled: return first
            case .fenced:
                // It may have ended in the same moment: a result that is there is kept, and committed as soon as that can be.
                if case .reported(let report)? = await group.next() { return .reported(report) }
                return .fenced
            }
        }
    }

    private func work(_ ordinal: UInt32, of view: TaskView) async -> StepEnd {
        let read = await cluster.state.reading { state in
            Result { () throws(PayloadError) in try state.inlined(view.spec) }
        }
        let spec: TaskSpec
        switch read {
        case .success(let whole): spec = whole
        case .failure(let error):
            // A task that has ended meanwhile has taken its parameters along.
            guard isOurs else { return .cancelled }
            return .reported(StepRunner.failed("the parameters cannot be read: \(error)", after: 0))
        }
        let step = spec.steps[Int(ordinal)]
        let total = spec.steps.count
        let report = await runner.run(step, of: spec, resultLimitBytes: view.record.resultLimitBytes) { progress in
            let done = cluster.state.task(key)?.progressPercent ?? 0
            reporter.tell(
                key, percent: min(99, done + progress.percent / total), agent: step.agent, step: progress.step)
        }
        return report.map { .reported($0) } ?? .cancelled
    }

    private func waitForFence() async -> StepEnd {
        while !cluster.isFenced {
            do {
                try await Task.sleep(for: Self.fencePause)
            } catch {
                return .cancelled
            }
        }
        return .fenced
    }

    // MARK: Ends

    /// Commits a finished step, and with the last one the end of the task. Returns whether the run goes on.
    func complete(_ ordinal: UInt32, _ report: StepReport, since start: ContinuousClock.Instant) async -> Bool {
        var report = report
        var result = await commit(ordinal, report, since: start)
        if case .refused(let reason) = result {
            // A result that the cluster does not take must not hold the task for ever.
            report = StepRunner.failed("the result was refused: \(reason)", after: report.durationMilliseconds)
            result = await commit(ordinal, report, since: start)
        }
        switch result {
        case .committed: return cluster.state.task(key)?.status.isTerminal == false
        case .refused(let reason):
            await fail("the end of a step was refused: \(reason)")
            return false
        case .taken:
            if let usage = report.usage { await reportUsage(usage, of: ordinal) }
            return false
        case .stopped: return false
        }
    }

    private func commit(
        _ ordinal: UInt32, _ report: StepReport, since start: ContinuousClock.Instant
    ) async -> CommitResult {
        let finish: Finish?
        do throws(PayloadError) {
            finish = try await finishIfLast(ordinal, report, since: start)
        } catch {
            return isOurs ? .refused("the result of an earlier step cannot be read: \(error)") : .taken
        }
        var (payload, whole) = (report.payload, finish)
        if let result = await uploadIfLarge(&payload) { return result }
        if case .result(var own)? = whole?.resultSource {
            var large: Payload? = own
            if let result = await uploadIfLarge(&large) { return result }
            own = large ?? own
            whole?.resultSource = .result(own)
        }
        return await commit(
            .stepCompleted(
                .with {
                    $0.taskID = key.id
                    $0.epoch = epoch.rawValue
                    $0.step = ordinal
                    $0.outcomeCode = report.outcome
                    if let payload { $0.result = payload }
                    $0.summary = report.summary
                    if let usage = report.usage { $0.usage = usage }
                    $0.durationMilliseconds = report.durationMilliseconds
                    if let quality = report.qualityPpm { $0.qualityPpm = quality }
                    if let failure = report.failure { $0.failure = failure }
                    if let whole { $0.finish = whole }
                }))
    }

    /// Skips, one after the other, what needs a step that did not succeed. Returns whether the run goes on.
    ///
    /// Only what has failed in the log dooms another step: were it the other way round, a node that died in between would leave
    /// steps skipped for a failure that the next attempt may not repeat.
    func skipDoomed(_ spec: TaskSpec, since start: ContinuousClock.Instant) async -> Bool {
        while let ordinal = doomedStep(cluster.state.steps(of: key)) {
            let finish: Finish?
            do throws(PayloadError) {
                finish = try await finishIfLast(ordinal, nil, since: start)
            } catch {
                if isOurs { await fail("the result of an earlier step cannot be read: \(error)") }
                return false
            }
            let result = await commit(
                .stepCompleted(
                    .with {
                        $0.taskID = key.id
                        $0.epoch = epoch.rawValue
                        $0.step = ordinal
                        $0.outcomeCode = .skipped
                        if let finish { $0.finish = finish }
                    }))
            switch result {
            case .committed: if finish != nil { return false }
            case .refused(let reason):
                await fail("a step could not be skipped: \(reason)")
                return false
            case .taken, .stopped: return false
            }
        }
        return true
    }

    private func doomedStep(_ steps: [StepView]) -> UInt32? {
        steps.first { step in
            step.status?.isSettled != true
                && step.plan.needs.contains { steps[Int($0)].status == .failed || steps[Int($0)].status == .skipped }
        }?.ordinal
    }

    /// The end of the task, if this step is the last open one.
    /// - Parameter report: nil for a step that is skipped.
    private func finishIfLast(
        _ ordinal: UInt32, _ report: StepReport?, since start: ContinuousClock.Instant
    ) async throws(PayloadError) -> Finish? {
        let state = cluster.state
        let steps = state.steps(of: key)
        guard let task = state.task(key), steps.allSatisfy({ $0.ordinal == ordinal || $0.status?.isSettled == true })
        else { return nil }
        let results = await state.reading { state in
            Result { () throws(PayloadError) in try Self.results(of: steps, besides: ordinal, in: state) }
        }
        let found = try results.get()
        let parts = steps.map { step -> Aggregation.Part in
            if step.ordinal == ordinal {
                return .init(
                    agent: step.plan.agent, outcome: report?.outcome ?? .skipped, result: report?.result,
                    failure: report?.failure?.message)
            }
            guard step.status == .completed else {
                return .init(
                    agent: step.plan.agent, outcome: step.status == .failed ? .failed : .skipped,
                    failure: step.record?.failure.message)
            }
            return .init(
                agent: step.plan.agent, outcome: .completed,
                result: found[step.ordinal].flatMap { try? AgentJSON.decode(AgentResult.self, from: $0) })
        }
        return Aggregation.finish(
            parts, durationMilliseconds: UInt64((ContinuousClock.now - start) / .milliseconds(1)),
            resultLimitBytes: task.record.resultLimitBytes)
    }

    /// What completed steps have brought. Blocks on the disk.
    private static func results(
        of steps: [StepView], besides ordinal: UInt32, in state: ClusterState
    ) throws(PayloadError) -> [UInt32: [UInt8]] {
        var results: [UInt32: [UInt8]] = [:]
        for step in steps where step.ordinal != ordinal && step.status == .completed {
            guard let result = step.record?.result else { continue }
            results[step.ordinal] = try state.content(of: result)
        }
        return results
    }

    /// Ends the task as failed, where the run can do nothing more for it: an error that is seen instead of a task that hangs.
    func fail(_ message: String) async {
        logger.error(
            "a task fails for a reason of our own", metadata: ["task_id": "\(key.id)", "reason": "\(message)"])
        _ = await commit(
            .taskFinished(
                .with {
                    $0.taskID = key.id
                    $0.epoch = epoch.rawValue
                    $0.finish = .with {
                        $0.outcomeCode = .failed
                        $0.summary = message.cut(toBytes: StepRunner.failureBytes)
                        $0.failure = .with {
                            $0.reasonCode = .internal
                            $0.message = message.cut(toBytes: StepRunner.failureBytes)
                        }
                    }
                }))
    }

    /// What an attempt cost that was cancelled or fenced is booked all the same.
    private func reportUsage(_ usage: StepUsage, of ordinal: UInt32) async {
        guard usage.inputTokens > 0 || usage.outputTokens > 0 || usage.costMicroUsd > 0 else { return }
        _ = await proposeToTheEnd(
            .usageReported(
                .with {
                    $0.taskID = key.id
                    $0.epoch = epoch.rawValue
                    $0.step = ordinal
                    $0.usage = usage
                }))
    }
}
