import Raft

/// What executors report. Each command names the epoch of its assignment; one that the task no longer has is fenced.
extension ClusterState {
    enum Claim {
        case valid(TaskKey, TaskRecord, TaskSpec)
        case refused(Outcome)
    }

    /// Whether the executor still has the task.
    mutating func claim(_ id: String, epoch: UInt64) -> Claim {
        guard let key = TaskKey(tenant: entry.tenant, id: id) else { return .refused(.rejected(.unknownTask)) }
        guard let record = tables.tasks[key] else { return .refused(.rejected(absence(of: key))) }
        if record.epoch == epoch, record.status.isTerminal { return .refused(.rejected(.wrongState(record.status))) }
        let isReleasing = !tables.work.isEmpty && tables.work[WorkKey(.release(record.boot))] != nil
        if record.epoch != epoch || !record.status.isOnNode || isReleasing {
            count { $0.fenced += 1 }
            return .refused(.rejected(.fenced(current: Epoch(record.epoch))))
        }
        return .valid(key, record, spec(of: key))
    }

    /// Why a task is not there.
    func absence(of key: TaskKey) -> Rejection {
        tombstone(key).map { .evicted($0.status, $0.revision) } ?? .unknownTask
    }

    mutating func apply(_ command: TaskStarted) -> Outcome {
        begin(command.taskID, epoch: command.epoch, steps: command.steps)
    }

    mutating func apply(_ command: StepStarted) -> Outcome {
        guard !command.steps.isEmpty else { return .rejected(.invalid(field: "steps")) }
        return begin(command.taskID, epoch: command.epoch, steps: command.steps)
    }

    private mutating func begin(_ id: String, epoch: UInt64, steps: [UInt32]) -> Outcome {
        switch claim(id, epoch: epoch) {
        case .refused(let outcome): return outcome
        case .valid(let key, var record, let spec):
            if record.status == .cancelling { return .rejected(.wrongState(.cancelling)) }
            guard steps.count <= limits.stepCount else { return .rejected(.invalid(field: "steps")) }
            for step in steps {
                guard step < spec.steps.count else { return .rejected(.unknownStep) }
                if currentStep(step, of: key, record)?.step.status.isSettled == true {
                    return .rejected(.stepAlreadyCompleted)
                }
            }
            markStarted(key, &record, spec)
            touch(&record)
            for step in steps { startStep(step, of: key, &record, spec) }
            putTask(record, at: key)
            return .task(key, currentRevision)
        }
    }

    private mutating func markStarted(_ key: TaskKey, _ record: inout TaskRecord, _ spec: TaskSpec) {
        guard record.status == .assigned else { return }
        record.status = .executing
        if record.startedWall == 0 { record.startedWall = entry.wallTime }
        emit(.taskExecutionStarted, key, record, spec)
    }

    private mutating func startStep(
        _ ordinal: UInt32, of key: TaskKey, _ record: inout TaskRecord, _ spec: TaskSpec
    ) {
        let stepKey = StepKey(task: key, step: ordinal, attempt: record.attempt)
        // Named twice, or announced again: it runs already.
        guard tables.steps[stepKey] == nil else { return }
        var step = StepRecord()
        step.status = .running
        step.epoch = record.epoch
        step.nodeID = record.nodeID
        step.startedWall = entry.wallTime
        putStep(step, at: stepKey, of: &record)
        emitStep(.agentStarted, key, record, spec, ordinal: ordinal, step)
    }

    mutating func apply(_ command: StepCompleted) -> Outcome {
        switch claim(command.taskID, epoch: command.epoch) {
        case .refused(let outcome): return outcome
        case .valid(let key, var record, let spec):
            if let rejection = rejection(of: command, key, record, spec) { return .rejected(rejection) }
            markStarted(key, &record, spec)
            touch(&record)
            complete(command, key, &record, spec)
            if command.hasFinish {
                finish(key, &record, spec, command.finish)
            } else {
                removeUpload(named: command.result, of: key)
                putTask(record, at: key)
            }
            return .task(key, currentRevision)
        }
    }

    private func rejection(
        of command: StepCompleted, _ key: TaskKey, _ record: TaskRecord, _ spec: TaskSpec
    ) -> Rejection? {
        guard command.step < spec.steps.count else { return .unknownStep }
        guard StepStatus(command.outcomeCode) != nil else { return .invalid(field: "outcome_code") }
        if currentStep(command.step, of: key, record)?.step.status.isSettled == true { return .stepAlreadyCompleted }
        switch problem(with: command.result, of: key, record) {
        case nil: break
        case .tooLarge: return .tooLarge(limitBytes: record.resultLimitBytes)
        case .invalid: return .invalid(field: "result")
        }
        if command.summary.utf8.count > limits.summaryBytes { return .invalid(field: "summary") }
        if command.qualityPpm > 1_000_000 { return .invalid(field: "quality_ppm") }
        if !isBounded(command.failure) { return .invalid(field: "failure") }
        if !isBounded(command.usage) { return .invalid(field: "usage") }
        return command.hasFinish ? rejection(of: command.finish, key, record, spec, completing: command) : nil
    }

    func isBounded(_ failure: Failure) -> Bool {
        if case .UNRECOGNIZED = failure.reasonCode { return false }
        return failure.message.utf8.count <= limits.messageBytes && failure.subject.utf8.count <= limits.nameBytes
    }

    func isBounded(_ usage: StepUsage) -> Bool {
        usage.provider.utf8.count <= limits.nameBytes && usage.model.utf8.count <= limits.nameBytes
    }

    private mutating func complete(
        _ command: StepCompleted, _ key: TaskKey, _ record: inout TaskRecord, _ spec: TaskSpec
    ) {
        guard let status = StepStatus(command.outcomeCode) else { preconditionFailure("checked by `rejection`") }
        let stepKey = StepKey(task: key, step: command.step, attempt: record.attempt)
        var step = tables.steps[stepKey] ?? StepRecord()
        step.status = status
        step.epoch = record.epoch
        step.nodeID = record.nodeID
        if step.startedWall == 0 { step.startedWall = entry.wallTime }
        step.completedWall = entry.wallTime
        step.durationMilliseconds = command.durationMilliseconds
        step.summary = command.summary
        if !command.result.isEmpty { step.result = keep(command.result, of: key) }
        if command.hasUsage { step.usage = command.usage }
        if command.hasQualityPpm { step.qualityPpm = command.qualityPpm }
        if command.hasFailure { step.failure = command.failure }
        putStep(step, at: stepKey, of: &record)
        add(command.usage, to: &record)
        switch status {
        case .completed:
            record.stepsCompleted += 1
            emitStep(.agentCompleted, key, record, spec, ordinal: command.step, step)
        case .failed:
            emitStep(.agentFailed, key, record, spec, ordinal: command.step, step)
        case .skipped:
            break
        case .running, .interrupted:
            preconditionFailure("no command completes a step as \(status.name)")
        }
    }

    /// Sums stop at their greatest value: a command must not overflow them.
    private func add(_ usage: StepUsage, to record: inout TaskRecord) {
        record.inputTokens = record.inputTokens.addingSaturated(usage.inputTokens)
        record.outputTokens = record.outputTokens.addingSaturated(usage.outputTokens)
        record.costMicroUsd = record.costMicroUsd.addingSaturated(usage.costMicroUsd)
    }

    mutating func apply(_ command: UsageReported) -> Outcome {
        guard let key = TaskKey(tenant: entry.tenant, id: command.taskID) else { return .rejected(.unknownTask) }
        guard isBounded(command.usage) else { return .rejected(.invalid(field: "usage")) }
        let cost = command.usage.costMicroUsd
        guard var record = tables.tasks[key] else {
            let rejection = absence(of: key)
            if case .evicted = rejection {
                count { $0.lateCostMicroUsd = $0.lateCostMicroUsd.addingSaturated(cost) }
            }
            return .rejected(rejection)
        }
        guard command.step < spec(of: key).steps.count else { return .rejected(.unknownStep) }
        count { $0.lateCostMicroUsd = $0.lateCostMicroUsd.addingSaturated(cost) }
        add(command.usage, to: &record)
        record.lateCostMicroUsd = record.lateCostMicroUsd.addingSaturated(cost)
        touch(&record)
        putTask(record, at: key)
        return .task(key, currentRevision)
    }
}

extension StepStatus {
    /// Nil for what is no outcome of a step.
    init?(_ outcome: StepOutcomeCode) {
        switch outcome {
        case .completed: self = .completed
        case .failed: self = .failed
        case .skipped: self = .skipped
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }
}

extension UInt64 {
    func addingSaturated(_ other: UInt64) -> UInt64 {
        let (sum, overflowed) = addingReportingOverflow(other)
        return overflowed ? .max : sum
    }
}
