import Agents
import ClusterState

extension TaskDraft {
    mutating func take(_ field: String, _ value: JSONNode) {
        switch field {
        case "title": title(value)
        case "description": description(value)
        case "task_type": taskType(value)
        case "target": target(value)
        case "parameters": taskParameters(value)
        case "priority": priority(value)
        case "agents": agentList(value)
        case "strategy": strategy(value)
        case "plan": plan = value
        case "depends_on": dependencies(value)
        case "auto_execute": autoExecute(value)
        case "deadline_seconds": deadline(value)
        case "max_attempts": attempts(value)
        case "budget_usd": budget(value)
        default: refuse(field, "unknown; known are \(Self.fields.joined(separator: ", "))")
        }
    }

    // MARK: Types

    mutating func string(_ field: String, _ value: JSONNode) -> String? {
        guard let text = value.stringValue else {
            refuse(field, "must be a string, not \(value.typeName)")
            return nil
        }
        return text
    }

    mutating func strings(_ field: String, _ value: JSONNode, limit: Int) -> [String]? {
        guard case .array(let elements) = value.value else {
            refuse(field, "must be an array of strings, not \(value.typeName)")
            return nil
        }
        guard elements.count <= limit else {
            refuse(field, "may have \(limit) elements")
            return nil
        }
        let texts = elements.compactMap(\.stringValue)
        guard texts.count == elements.count else {
            refuse(field, "must be an array of strings")
            return nil
        }
        guard Set(texts).count == texts.count else {
            refuse(field, "has an element twice")
            return nil
        }
        return texts
    }

    private mutating func integer(_ field: String, _ value: JSONNode, _ range: ClosedRange<Int64>) -> Int64? {
        guard case .integer(let number) = value.value, range.contains(number) else {
            refuse(field, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number
    }

    private mutating func number(_ field: String, _ value: JSONNode, above minimum: Double, to maximum: Double)
        -> Double?
    {
        let number: Double?
        switch value.value {
        case .integer(let whole): number = Double(whole)
        case .number(let fraction): number = fraction
        case .null, .bool, .string, .array, .object: number = nil
        }
        guard let number, number > minimum, number <= maximum else {
            refuse(field, "must be a number above \(Int(minimum)) and at most \(Int(maximum))")
            return nil
        }
        return number
    }

    // MARK: Fields

    private mutating func title(_ value: JSONNode) {
        guard let text = string("title", value) else { return }
        guard (1...limits.titleCharacters).contains(text.unicodeScalars.count), !text.trimmed.isEmpty else {
            return refuse("title", "must have 1 to \(limits.titleCharacters) characters")
        }
        spec.title = text
    }

    private mutating func description(_ value: JSONNode) {
        guard let text = string("description", value) else { return }
        guard text.unicodeScalars.count <= limits.descriptionCharacters else {
            return refuse("description", "must have at most \(limits.descriptionCharacters) characters")
        }
        spec.description_p = text
    }

    private mutating func taskType(_ value: JSONNode) {
        guard let text = string("task_type", value) else { return }
        guard (1...limits.taskTypeBytes).contains(text.utf8.count) else {
            return refuse("task_type", "must have 1 to \(limits.taskTypeBytes) bytes")
        }
        spec.taskType = text
    }

    private mutating func target(_ value: JSONNode) {
        if case .null = value.value { return }
        guard let text = string("target", value) else { return }
        guard (1...limits.targetBytes).contains(text.utf8.count) else {
            return refuse("target", "must have 1 to \(limits.targetBytes) bytes")
        }
        spec.target = text
    }

    private mutating func taskParameters(_ value: JSONNode) {
        guard let (payload, members) = parameterObject("parameters", value) else { return }
        spec.parameters = payload
        parameters = members
    }

    /// A JSON object as it goes into the state (the client's own bytes) and as agents check it.
    mutating func parameterObject(_ field: String, _ value: JSONNode) -> (Payload, [String: Agents.JSONValue])? {
        guard case .object(let members) = value.value else {
            refuse(field, "must be an object, not \(value.typeName)")
            return nil
        }
        let source = source(of: value)
        guard source.count <= limits.parametersBytes else {
            isTooLarge = true
            refuse(field, "has \(source.count) bytes; the limit is \(limits.parametersBytes) bytes")
            return nil
        }
        let values = Dictionary(members.map { ($0.name, Agents.JSONValue($0.value)) }) { $1 }
        return (Payload(bytes: source), values)
    }

    private mutating func priority(_ value: JSONNode) {
        if let number = integer("priority", value, 1...10) { spec.priority = UInt32(number) }
    }

    private mutating func agentList(_ value: JSONNode) {
        guard let ids = strings("agents", value, limit: limits.planSteps) else { return }
        guard !ids.isEmpty else { return refuse("agents", "must name at least one agent, or be left away") }
        agents = ids.map { AgentID(rawValue: $0) }
    }

    private mutating func strategy(_ value: JSONNode) {
        switch value.stringValue {
        case "auto": spec.strategyCode = .auto
        case "parallel": spec.strategyCode = .parallel
        case "sequential": spec.strategyCode = .sequential
        default: refuse("strategy", "must be auto, parallel or sequential")
        }
    }

    private mutating func dependencies(_ value: JSONNode) {
        guard let ids = strings("depends_on", value, limit: limits.dependencies) else { return }
        guard ids.allSatisfy({ TaskKey(tenant: "t", id: $0) != nil }) else {
            return refuse("depends_on", "must hold task ids")
        }
        spec.dependsOn = ids
    }

    private mutating func autoExecute(_ value: JSONNode) {
        guard case .bool(let flag) = value.value else {
            return refuse("auto_execute", "must be a boolean, not \(value.typeName)")
        }
        spec.autoExecute = flag
    }

    private mutating func deadline(_ value: JSONNode) {
        guard let seconds = number("deadline_seconds", value, above: 0, to: limits.deadlineSeconds) else { return }
        spec.deadlineMilliseconds = UInt64((seconds * 1000).rounded(.up))
    }

    private mutating func attempts(_ value: JSONNode) {
        if let number = integer("max_attempts", value, 1...limits.maxAttempts) { spec.maxAttempts = UInt32(number) }
    }

    private mutating func budget(_ value: JSONNode) {
        guard let dollars = number("budget_usd", value, above: 0, to: limits.budgetUSD) else { return }
        spec.budgetMicroUsd = UInt64((dollars * 1_000_000).rounded(.up))
    }
}

extension Agents.JSONValue {
    init(_ node: JSONNode) {
        switch node.value {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .integer(let number): self = .integer(number)
        case .number(let number): self = .number(number)
        case .string(let text): self = .string(text)
        case .array(let elements): self = .array(elements.map(Agents.JSONValue.init))
        case .object(let members):
            self = .object(Dictionary(members.map { ($0.name, Agents.JSONValue($0.value)) }) { $1 })
        }
    }
}
