import ClusterState
import Raft
import Telemetry

extension TaskDocument {
    /// A task of the live state.
    init(_ view: TaskView, in state: ClusterState, nodeName: (NodeID) -> String) {
        let (spec, record) = (view.spec, view.record)
        let steps = state.steps(of: view.key)
        self.init(
            key: view.key, title: spec.title, description: spec.description_p, taskType: spec.taskType,
            target: spec.target.isEmpty ? nil : spec.target, parameters: Self.json(spec.parameters) ?? [],
            priority: record.priority, status: view.status, strategy: spec.strategyCode.contractName,
            assignedAgents: spec.steps.map(\.agent).withoutRepetition,
            execution: Execution(
                node: record.nodeID == 0 ? nil : nodeName(NodeID(record.nodeID)), attempt: record.attempt,
                epoch: record.epoch == 0 ? nil : record.epoch,
                providers: steps.compactMap { $0.record?.usage.provider }.filter { !$0.isEmpty }.withoutRepetition,
                inputTokens: record.inputTokens, outputTokens: record.outputTokens, costMicroUSD: record.costMicroUsd),
            createdAt: WallTime(unsigned: record.createdWall), updatedAt: WallTime(unsigned: record.updatedWall),
            createdBy: spec.createdBy, revision: view.revision)
        startedAt = record.startedWall == 0 ? nil : WallTime(unsigned: record.startedWall)
        completedAt = record.completedWall == 0 ? nil : WallTime(unsigned: record.completedWall)
        agentResults = steps.compactMap { step in
            step.record.flatMap { $0.hasResult ? Self.json($0.result) : nil }.map { (step.plan.id, $0) }
        }
        result = state.result(of: view.key).flatMap(Self.json)
        output = result.flatMap(Self.report)
        summary = record.summary.isEmpty ? nil : record.summary
        qualityPpm = record.hasQualityPpm ? record.qualityPpm : nil
        successPpm = record.hasSuccessPpm ? record.successPpm : nil
        durationMilliseconds = view.status.isTerminal ? record.durationMilliseconds : nil
        failure = Self.failure(of: record)
    }

    private static func failure(of record: TaskRecord) -> Failure? {
        if record.status == .cancelled {
            return Failure(
                reason: "cancelled", message: record.cancelReason.isEmpty ? nil : record.cancelReason,
                subject: record.cancelledBy.isEmpty ? nil : record.cancelledBy)
        }
        guard record.hasFailure, let reason = record.failure.reason else { return nil }
        let (message, subject) = (record.failure.message, record.failure.subject)
        return Failure(
            reason: reason.name, message: message.isEmpty ? nil : message, subject: subject.isEmpty ? nil : subject)
    }

    /// The bytes of a payload that holds JSON; nil if it is empty or cannot be had.
    static func json(_ payload: Payload) -> [UInt8]? {
        guard !payload.isEmpty else { return nil }
        return try? payload.decoded()
    }

    /// The report inside an agent's result.
    static func report(in result: [UInt8]) -> String? {
        // Our own results are not a client's: only the depth is worth a limit.
        let limits = JSONLimits(depth: 64, stringBytes: .max, values: .max)
        return (try? JSONReader.read(result, limits: limits))?["output"]?.stringValue
    }
}

extension StrategyCode {
    var contractName: String {
        switch self {
        case .auto, .UNRECOGNIZED: "auto"
        case .parallel: "parallel"
        case .sequential: "sequential"
        case .plan: "plan"
        }
    }
}

extension WallTime {
    /// As the state keeps it; what lies beyond the clock is its end.
    init(unsigned microseconds: UInt64) {
        self.init(microsecondsSince1970: Int64(clamping: microseconds))
    }
}

extension [String] {
    /// Each text where it first occurs.
    var withoutRepetition: [String] {
        if count < 2 { return self }
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
