/// What apply demands of a task whatever the proposer has checked: bounds, so that no command makes the state unbounded,
/// and the properties that apply itself relies on.
extension TaskSpec {
    static let defaultPriority: UInt32 = 5

    var effectivePriority: UInt32 { priority == 0 ? Self.defaultPriority : priority }

    /// Nil if the task can be accepted.
    func rejection(_ limits: Limits) -> Rejection? {
        func over(_ text: String, _ limit: Int) -> Bool { text.utf8.count > limit }
        if title.isEmpty || over(title, limits.titleBytes) { return .invalid(field: "title") }
        if over(description_p, limits.descriptionBytes) { return .invalid(field: "description") }
        if taskType.isEmpty || over(taskType, limits.taskTypeBytes) { return .invalid(field: "task_type") }
        if over(target, limits.targetBytes) { return .invalid(field: "target") }
        if priority > 10 { return .invalid(field: "priority") }
        if over(createdBy, limits.principalBytes) { return .invalid(field: "created_by") }
        if maxAttempts > limits.maxAttempts { return .invalid(field: "max_attempts") }
        if dependsOn.count > limits.dependencyCount { return .invalid(field: "depends_on") }
        if case .UNRECOGNIZED = strategyCode { return .invalid(field: "strategy_code") }
        if let rejection = Self.rejection(parameters, "parameters", limits.parametersBytes) { return rejection }
        if let rejection = Self.rejection(prediction, "prediction", limits.predictionBytes) { return rejection }
        return stepsRejection(limits)
    }

    private func stepsRejection(_ limits: Limits) -> Rejection? {
        guard (1...limits.stepCount).contains(steps.count) else { return .invalid(field: "steps") }
        for (ordinal, step) in steps.enumerated() {
            guard (1...limits.identifierBytes).contains(step.id.utf8.count),
                !steps[..<ordinal].contains(where: { Bytes.equal($0.id, step.id) })
            else { return .invalid(field: "steps.id") }
            guard (1...limits.identifierBytes).contains(step.agent.utf8.count) else {
                return .invalid(field: "steps.agent")
            }
            // Earlier steps only: so no plan has a cycle.
            guard step.needs.count <= ordinal, step.needs.allSatisfy({ $0 < ordinal }) else {
                return .invalid(field: "steps.needs")
            }
            // Approvals come with a later machine version; until then such a plan would wait for ever.
            guard !step.requiresApproval else { return .invalid(field: "steps.requires_approval") }
            if let rejection = Self.rejection(step.parameters, "steps.parameters", limits.parametersBytes) {
                return rejection
            }
        }
        return nil
    }

    private static func rejection(_ payload: Payload, _ field: String, _ limit: UInt64) -> Rejection? {
        switch payload.problem(limit: limit) {
        case nil: nil
        case .tooLarge: .tooLarge(limitBytes: limit)
        case .invalid: .invalid(field: field)
        }
    }
}
