public import ClusterState
import Raft
import Telemetry

extension StoredTask {
    /// The task as `state` has it.
    ///
    /// - Parameters:
    ///   - view: a task of this same state.
    ///   - reach: with `disk`, blocks on it: see `ClusterState.reading`.
    /// - Throws: what `ClusterState.content` does.
    public init(
        _ view: TaskView, in state: ClusterState, within reach: PayloadReach = .disk
    ) throws(PayloadError) {
        let (spec, record) = (view.spec, view.record)
        var executions: [StoredExecution] = []
        for step in state.executions(of: view.key) {
            if let execution = try StoredExecution(step, in: state, within: reach) { executions.append(execution) }
        }
        let result = try state.result(of: view.key).flatMap { (payload) throws(PayloadError) in
            try Self.content(payload, of: state, within: reach)
        }
        self.init(
            key: view.key, revision: view.revision, title: spec.title, description: spec.description_p,
            taskType: spec.taskType, target: spec.target.nonEmpty,
            parameters: try Self.content(spec.parameters, of: state, within: reach),
            priority: record.priority, status: view.status, strategy: spec.strategyCode.storedName,
            plan: spec.steps.map { PlannedStep(id: $0.id, agent: $0.agent, needs: $0.needs) },
            dependsOn: spec.dependsOn, assignedAgents: spec.steps.map(\.agent).withoutRepetition,
            result: result, summary: record.summary.nonEmpty,
            qualityPpm: record.hasQualityPpm ? record.qualityPpm : nil,
            successPpm: record.hasSuccessPpm ? record.successPpm : nil,
            durationMilliseconds: view.status.isTerminal ? record.durationMilliseconds.storable : nil,
            execution: Execution(record, in: state), failure: Failure(record),
            createdAt: WallTime(stored: record.createdWall), updatedAt: WallTime(stored: record.updatedWall),
            startedAt: WallTime(optional: record.startedWall), completedAt: WallTime(optional: record.completedWall),
            createdBy: spec.createdBy, executions: executions)
        execution.providers = currentExecutions.compactMap(\.provider).withoutRepetition
    }

    /// The bytes of a payload; nil if it is empty, or was never what it says.
    fileprivate static func content(
        _ payload: Payload, of state: ClusterState, within reach: PayloadReach
    ) throws(PayloadError) -> [UInt8]? {
        if payload.isEmpty { return nil }
        do throws(PayloadError) {
            return try state.content(of: payload, within: reach)
        } catch .damaged {
            return nil
        }
    }
}

extension StoredTask.Execution {
    /// All but the providers, which the executions name.
    fileprivate init(_ record: TaskRecord, in state: ClusterState) {
        self.init(
            node: state.storedName(ofNode: record.nodeID), attempt: record.attempt, runAttempt: record.runAttempt,
            epoch: record.epoch == 0 ? nil : record.epoch, providers: [], inputTokens: record.inputTokens.storable,
            outputTokens: record.outputTokens.storable, costMicroUSD: record.costMicroUsd.storable,
            lateCostMicroUSD: record.lateCostMicroUsd.storable)
    }
}

extension StoredTask.Failure {
    /// Nil unless the task failed or was cancelled.
    fileprivate init?(_ record: TaskRecord) {
        if record.status == .cancelled {
            self.init(
                reason: TaskStatus.cancelled.name, message: record.cancelReason.nonEmpty,
                subject: record.cancelledBy.nonEmpty)
        } else {
            guard record.hasFailure else { return nil }
            self.init(record.failure)
        }
    }

    fileprivate init?(_ failure: Failure) {
        guard let reason = failure.reason else { return nil }
        self.init(reason: reason.name, message: failure.message.nonEmpty, subject: failure.subject.nonEmpty)
    }
}

extension StoredExecution {
    /// Nil for a step that has not begun.
    fileprivate init?(_ view: StepView, in state: ClusterState, within reach: PayloadReach) throws(PayloadError) {
        guard let record = view.record, let attempt = view.attempt else { return nil }
        self.init(
            step: view.ordinal, attempt: attempt, stepID: view.plan.id, agent: view.plan.agent, status: record.status,
            epoch: record.epoch == 0 ? nil : record.epoch, node: state.storedName(ofNode: record.nodeID),
            result: try StoredTask.content(record.result, of: state, within: reach), summary: record.summary.nonEmpty,
            provider: record.usage.provider.nonEmpty, model: record.usage.model.nonEmpty,
            inputTokens: record.usage.inputTokens.storable, outputTokens: record.usage.outputTokens.storable,
            costMicroUSD: record.usage.costMicroUsd.storable, startedAt: WallTime(optional: record.startedWall),
            completedAt: WallTime(optional: record.completedWall),
            durationMilliseconds: record.durationMilliseconds.storable,
            qualityPpm: record.hasQualityPpm ? record.qualityPpm : nil,
            failure: record.hasFailure ? StoredTask.Failure(record.failure) : nil)
    }
}

extension StrategyCode {
    fileprivate var storedName: String {
        switch self {
        case .auto, .UNRECOGNIZED: "auto"
        case .parallel: "parallel"
        case .sequential: "sequential"
        case .plan: "plan"
        }
    }
}

extension ClusterState {
    /// The node's name, its number if it has left the table, nil for none.
    fileprivate func storedName(ofNode id: UInt64) -> String? {
        id == 0 ? nil : node(NodeID(id))?.record.name.nonEmpty ?? String(id)
    }
}

extension WallTime {
    /// A time of the state, which counts without sign, within what both `timestamptz` and RFC 3339 have: the year 9999.
    init(stored microseconds: UInt64) {
        self.init(microsecondsSince1970: Int64(min(microseconds, 253_402_300_799_999_999)))
    }

    fileprivate init?(optional microseconds: UInt64) {
        guard microseconds != 0 else { return nil }
        self.init(stored: microseconds)
    }
}

extension UInt64 {
    /// PostgreSQL's integers have a sign. What lies beyond is a counter that apply let stop at its end.
    fileprivate var storable: UInt64 { Swift.min(self, UInt64(Int64.max)) }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}

extension [String] {
    /// Each text where it first occurs. Compared as bytes, as PostgreSQL does: to Swift different spellings of one
    /// character are equal.
    fileprivate var withoutRepetition: [String] {
        if count < 2 { return self }
        var seen: Set<[UInt8]> = []
        return filter { seen.insert([UInt8]($0.utf8)).inserted }
    }
}
