import Raft

/// How a task ends by its executor's word.
extension ClusterState {
    mutating func apply(_ command: TaskFinished) -> Outcome {
        switch claim(command.taskID, epoch: command.epoch) {
        case .refused(let outcome): return outcome
        case .valid(let key, var record, let spec):
            if let rejection = rejection(of: command.finish, key, record, spec, completing: nil) {
                return .rejected(rejection)
            }
            finish(key, &record, spec, command.finish)
            return .task(key, currentRevision)
        }
    }

    /// - Parameter completing: the step that the same command completes, already found sound.
    func rejection(
        of finish: Finish, _ key: TaskKey, _ record: TaskRecord, _ spec: TaskSpec, completing: StepCompleted?
    ) -> Rejection? {
        switch finish.outcomeCode {
        case .completed:
            // A task all of whose agents failed is failed, never completed (`design/api.md`).
            guard record.stepsCompleted > 0 || completing?.outcomeCode == .completed else {
                return .invalid(field: "finish.outcome_code")
            }
        case .failed: break
        case .unspecified, .UNRECOGNIZED: return .invalid(field: "finish.outcome_code")
        }
        switch finish.resultSource {
        case nil: break
        case .result(let payload):
            switch problem(with: payload, of: key, record) {
            case nil: break
            case .tooLarge: return .tooLarge(limitBytes: record.resultLimitBytes)
            case .invalid: return .invalid(field: "finish.result")
            }
        case .resultOfStep(let step):
            let isCompleting = completing.map { $0.step == step && !$0.result.isEmpty } ?? false
            let stored = currentStep(step, of: key, record)?.step
            guard isCompleting || (stored?.status.isSettled == true && stored?.result.isEmpty == false) else {
                return .invalid(field: "finish.result_of_step")
            }
        }
        if finish.summary.utf8.count > limits.summaryBytes { return .invalid(field: "finish.summary") }
        if finish.qualityPpm > 1_000_000 { return .invalid(field: "finish.quality_ppm") }
        if finish.successPpm > 1_000_000 { return .invalid(field: "finish.success_ppm") }
        return isBounded(finish.failure) ? nil : .invalid(field: "finish.failure")
    }

    mutating func finish(_ key: TaskKey, _ record: inout TaskRecord, _ spec: TaskSpec, _ finish: Finish) {
        precondition(record.status.isOnNode, "a task is finished by the node that has it")
        if record.startedWall == 0 { record.startedWall = entry.wallTime }
        record.summary = finish.summary
        record.durationMilliseconds = finish.durationMilliseconds
        if finish.hasQualityPpm { record.qualityPpm = finish.qualityPpm } else { record.clearQualityPpm() }
        if finish.hasSuccessPpm { record.successPpm = finish.successPpm } else { record.clearSuccessPpm() }
        let result = putResult(of: finish, key, &record)
        switch finish.outcomeCode {
        case .completed:
            terminate(&record, at: key, as: .completed, result: result)
        case .failed:
            let failure =
                finish.failure.reason == nil
                ? Failure(.agentsFailed, message: finish.failure.message, subject: finish.failure.subject)
                : finish.failure
            terminate(&record, at: key, as: .failed, failure: failure, result: result)
        case .unspecified, .UNRECOGNIZED:
            preconditionFailure("checked by `rejection`")
        }
    }

    /// Nothing is stored twice: the result of a step is referred to.
    private mutating func putResult(of finish: Finish, _ key: TaskKey, _ record: inout TaskRecord) -> Payload? {
        var row = ResultRecord()
        let payload: Payload
        switch finish.resultSource {
        case nil:
            return nil
        case .result(let own):
            if own.isEmpty { return nil }
            payload = keep(own, of: key)
            row.payload = payload
        case .resultOfStep(let ordinal):
            guard let (stepKey, step) = currentStep(ordinal, of: key, record) else {
                preconditionFailure("checked by `rejection`")
            }
            row.step.step = stepKey.step
            row.step.attempt = stepKey.attempt
            payload = step.result
        }
        putResult(row, at: key, of: &record)
        return payload
    }
}
