extension AgentDeclaration {
    /// What is wrong with an input, unknown parameters up to a bound, or nothing. Used before a task is accepted, and again when it runs.
    ///
    /// Asks the file system for the target's real path (a few system calls), so call it where that is no harm: not on an
    /// event loop.
    public func validate(_ input: AgentInput, in workspace: Workspace, limits: Limits = Limits()) -> [FieldError] {
        var errors: [FieldError] = []
        let known = Set(parameters.map(\.name))
        let unknown = input.parameters.keys.filter { !known.contains($0) }.sorted().prefix(limits.unknownParameters)
        for name in unknown {
            let names = parameters.map(\.name).joined(separator: ", ")
            errors.append(FieldError(field: "parameters.\(name)", message: "unknown; \(id) takes \(names)"))
        }
        for parameter in parameters {
            guard let value = input.parameters[parameter.name], !parameter.type.accepts(value) else { continue }
            errors.append(
                FieldError(field: "parameters.\(parameter.name)", message: "must be \(parameter.type.expectation)"))
        }
        if let target = input.target { errors += targetErrors(target, in: workspace, limits: limits) }
        errors += missingInputs(input)
        return errors
    }

    private func targetErrors(_ target: String, in workspace: Workspace, limits: Limits) -> [FieldError] {
        switch self.target {
        case .unused:
            return [FieldError(field: "target", message: "\(id) takes no target")]
        case .workspacePath:
            guard target.utf8.count <= limits.targetBytes else {
                return [FieldError(field: "target", message: "is longer than \(limits.targetBytes) bytes")]
            }
            do throws(AgentError) {
                _ = try workspace.resolve(target)
                return []
            } catch {
                return [FieldError(field: "target", message: error.description)]
            }
        }
    }

    private func missingInputs(_ input: AgentInput) -> [FieldError] {
        guard !needsOneOf.isEmpty else { return [] }
        let given = needsOneOf.filter { name in
            name == "target" ? input.target != nil : input.parameters[name] != nil
        }
        let names = needsOneOf.map { $0 == "target" ? $0 : "parameters.\($0)" }
        if given.isEmpty {
            return names.map {
                FieldError(field: $0, message: "one of \(names.joined(separator: ", ")) is required")
            }
        }
        if given.count > 1 {
            return [FieldError(field: names[0], message: "give only one of \(names.joined(separator: ", "))")]
        }
        return []
    }
}
