/// The executor that all agents share: tools first, model second.
///
/// It runs the declaration's tools one after the other, then has the evidence composed into a result: by the reasoner
/// where one is given and answers well, else by the `Synthesiser`. It holds no state and may run many inputs at once.
public struct Agent: Sendable {
    public let declaration: AgentDeclaration

    public init(_ declaration: AgentDeclaration) {
        self.declaration = declaration
    }

    /// Does the work. Nothing is left running when it returns or throws.
    ///
    /// A tool that fails is recorded in `AgentResult.tools` and costs quality; `success` is false where nothing at all
    /// could be examined.
    /// - Throws: `invalidInput`, `outsideWorkspace`, `targetNotFound`, `cancelled`, `deadlineExceeded`, `shutDown`.
    public func run(_ input: AgentInput, in context: AgentContext) async throws(AgentError) -> AgentResult {
        let started = ContinuousClock.now
        let problems = declaration.validate(input, in: context.workspace, limits: context.limits)
        guard problems.isEmpty else { throw .invalidInput(problems) }

        let gathered = try await gather(input, in: context)
        var result = try await compose(gathered, for: input, in: context)
        result.tools = gathered.runs
        result.durationSeconds = (ContinuousClock.now - started).seconds
        context.progress(AgentProgress(percent: 100, step: "done"))
        return result.fitted(to: context.limits)
    }

    private struct Gathered {
        var evidence: [Evidence] = []
        var runs: [ToolRun] = []
    }

    private func gather(_ input: AgentInput, in context: AgentContext) async throws(AgentError) -> Gathered {
        let toolContext = ToolContext(
            workspace: context.workspace, threads: context.threads, limits: context.limits, deadline: context.deadline)
        let arguments = input.arguments
        // Composing takes the last share of the bar.
        let shares = declaration.tools.count + 1
        var gathered = Gathered()
        for (position, tool) in declaration.tools.enumerated() {
            context.progress(AgentProgress(percent: position * 100 / shares, step: tool.name.rawValue))
            let started = ContinuousClock.now
            var run = ToolRun(name: tool.name, ok: true, durationSeconds: 0)
            do {
                try Self.checkTime(context)
                gathered.evidence.append(try await tool.run(arguments, in: toolContext))
            } catch let error as AgentError where error.endsRun {
                throw error
            } catch is CancellationError {
                throw .cancelled
            } catch {
                run.ok = false
                run.error = String(describing: error)
            }
            run.durationSeconds = (ContinuousClock.now - started).seconds
            gathered.runs.append(run)
        }
        try Self.checkTime(context)
        return gathered
    }

    private func compose(
        _ gathered: Gathered, for input: AgentInput, in context: AgentContext
    ) async throws(AgentError) -> AgentResult {
        let share = declaration.tools.count * 100 / (declaration.tools.count + 1)
        let synthesiser = Synthesiser(declaration: declaration, limits: context.limits)
        var result = synthesiser.compose(input: input, evidence: gathered.evidence, runs: gathered.runs)
        guard let reasoner = context.reasoner, result.success else {
            context.progress(AgentProgress(percent: share, step: "composing"))
            return result
        }
        context.progress(AgentProgress(percent: share, step: "reasoning"))
        let prompt = ReasoningPrompt(declaration: declaration, input: input, limits: context.limits)
        let request = prompt.request(evidence: gathered.evidence, deadline: context.deadline)
        let outcome = await reasoner.reason(request)
        try Self.checkTime(context)
        result.apply(outcome, to: request, limits: context.limits)
        return result
    }

    private static func checkTime(_ context: AgentContext) throws(AgentError) {
        if Task.isCancelled { throw .cancelled }
        if let deadline = context.deadline, ContinuousClock.now >= deadline { throw .deadlineExceeded }
    }
}

extension Duration {
    /// In seconds, to the microsecond.
    var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds / 1_000_000_000_000) / 1_000_000
    }
}
