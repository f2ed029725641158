public import Agents
import ClusterState
import FoundationEssentials
import SwiftProtobuf

/// Runs one step of a plan: finds its agent, gives it what the task says, and turns whatever happens into a report.
public struct StepRunner: Sendable {
    let catalog: AgentCatalog
    let workspace: Workspace
    let threads: ToolThreads
    let reasoner: (any Reasoner)?
    let limits: AgentLimits

    /// - Parameter reasoner: the provider chain, or nil to compose every report from the evidence alone.
    public init(
        catalog: AgentCatalog, workspace: Workspace, threads: ToolThreads, reasoner: (any Reasoner)?,
        limits: AgentLimits = AgentLimits()
    ) {
        self.catalog = catalog
        self.workspace = workspace
        self.threads = threads
        self.reasoner = reasoner
        self.limits = limits
    }

    /// Never throws for the agent's sake: an agent that fails is a failed step. Nil if the run was cancelled.
    /// - Parameter resultLimitBytes: what the cluster takes; the agent leaves out what is beyond it.
    func run(
        _ step: PlanStep, of spec: TaskSpec, resultLimitBytes: UInt64,
        progress: @escaping @Sendable (AgentProgress) -> Void
    ) async -> StepReport? {
        let start = ContinuousClock.now
        func elapsed() -> UInt64 { UInt64((ContinuousClock.now - start) / .milliseconds(1)) }
        guard let declaration = catalog.agent(AgentID(rawValue: step.agent)) else {
            return Self.failed("there is no agent \(step.agent)", after: elapsed())
        }
        var limits = limits
        limits.resultBytes = min(limits.resultBytes, Int(clamping: resultLimitBytes))
        let context = AgentContext(
            workspace: workspace, threads: threads, reasoner: reasoner, limits: limits, progress: progress)
        do throws(AgentError) {
            let input = try Self.input(step, spec)
            let result = try await Agent(declaration).run(input, in: context)
            return Self.report(result, after: elapsed())
        } catch {
            if case .cancelled = error { return nil }
            if Task.isCancelled { return nil }
            return Self.failed("\(error)", after: elapsed())
        }
    }

    /// The task's parameters with the step's own on top.
    private static func input(_ step: PlanStep, _ spec: TaskSpec) throws(AgentError) -> AgentInput {
        var parameters: [String: JSONValue] = [:]
        for payload in [spec.parameters, step.parameters] where !payload.isEmpty {
            guard let bytes = try? payload.decoded(),
                case .object(let object)? = try? AgentJSON.decode(JSONValue.self, from: bytes)
            else { throw .invalidInput([FieldError(field: "parameters", message: "cannot be read")]) }
            parameters.merge(object) { $1 }
        }
        return AgentInput(
            target: spec.target.isEmpty ? nil : spec.target, parameters: parameters, title: spec.title,
            description: spec.description_p)
    }

    private static func report(_ result: AgentResult, after milliseconds: UInt64) -> StepReport {
        guard let bytes = try? AgentJSON.encode(result) else {
            return failed("the agent's result cannot be encoded", after: milliseconds)
        }
        return StepReport(
            outcome: result.success ? .completed : .failed, result: result, payload: Payload(bytes: bytes),
            summary: result.summary,
            usage: .with {
                $0.provider = result.provider
                $0.model = result.model
                $0.inputTokens = UInt64(max(0, result.tokens.input))
                $0.outputTokens = UInt64(max(0, result.tokens.output))
                $0.costMicroUsd = UInt64(max(0, result.costMicroUSD))
            },
            durationMilliseconds: milliseconds,
            failure: result.success ? nil : failure(reasons(result)))
    }

    /// The words of the tools that failed; the summary if none did and there was still nothing to look at.
    private static func reasons(_ result: AgentResult) -> String {
        let errors = result.tools.compactMap { tool in tool.error.map { "\(tool.name): \($0)" } }
        return errors.isEmpty ? result.summary : errors.joined(separator: "; ")
    }

    static func failed(_ message: String, after milliseconds: UInt64) -> StepReport {
        StepReport(
            outcome: .failed, result: nil, payload: nil, summary: message.cut(toBytes: failureBytes), usage: nil,
            durationMilliseconds: milliseconds,
            failure: failure(message))
    }

    private static func failure(_ message: String) -> Failure {
        .with {
            $0.reasonCode = .agentsFailed
            $0.message = message.cut(toBytes: failureBytes)
        }
    }

    /// Of a sentence that says why; well within what the state takes.
    static let failureBytes = 2_000
}
