import Agents
import ClusterState
import SwiftProtobuf

extension TaskDraft {
    /// A step of a client's plan before its needs are resolved.
    private struct Draft {
        var field: String
        var step = PlanStep()
        var needs: [String] = []
    }

    /// The steps: those of the plan, one for each agent named, or the best agent for the task's type.
    mutating func choosePlan(_ catalog: AgentCatalog) {
        let type = TaskType(rawValue: spec.taskType)
        let candidates = catalog.agents(for: type)
        if candidates.isEmpty && !spec.taskType.isEmpty {
            let known = catalog.taskTypes.map(\.rawValue).joined(separator: ", ")
            refuse("task_type", "no agent takes it; known are \(known)")
        }
        if let plan {
            if agents != nil { refuse("agents", "the plan names the agents already") }
            if spec.strategyCode != .auto { refuse("strategy", "the plan says already what waits for what") }
            spec.strategyCode = .plan
            return readPlan(plan, catalog)
        }
        let chosen = agents ?? Array(candidates.prefix(1))
        for (position, id) in chosen.enumerated() {
            if catalog.agent(id) == nil { refuse("agents[\(position)]", "there is no agent \(id)") }
        }
        spec.steps = chosen.map { id in
            .with {
                $0.id = id.rawValue
                $0.agent = id.rawValue
            }
        }
    }

    private mutating func readPlan(_ plan: JSONNode, _ catalog: AgentCatalog) {
        guard case .object(let members) = plan.value else {
            return refuse("plan", "must be an object, not \(plan.typeName)")
        }
        for member in members where member.name != "steps" { refuse("plan.\(member.name)", "unknown; known is steps") }
        guard case .array(let elements)? = plan["steps"]?.value else {
            return refuse("plan.steps", "must be an array of steps")
        }
        guard (1...limits.planSteps).contains(elements.count) else {
            return refuse("plan.steps", "must have 1 to \(limits.planSteps) steps")
        }
        var drafts: [Draft] = []
        for (position, element) in elements.enumerated() {
            var draft = Draft(field: "plan.steps[\(position)]")
            readStep(element, into: &draft, catalog)
            if drafts.contains(where: { $0.step.id == draft.step.id }) {
                refuse("\(draft.field).id", "another step has this id")
            }
            drafts.append(draft)
        }
        order(drafts)
    }

    private mutating func readStep(_ element: JSONNode, into draft: inout Draft, _ catalog: AgentCatalog) {
        guard case .object(let members) = element.value else {
            return refuse(draft.field, "must be an object, not \(element.typeName)")
        }
        for member in members {
            let field = "\(draft.field).\(member.name)"
            switch member.name {
            case "id": draft.step.id = string(field, member.value) ?? ""
            case "agent": draft.step.agent = string(field, member.value) ?? ""
            case "needs": draft.needs = strings(field, member.value, limit: limits.planSteps) ?? []
            case "parameters":
                guard let (payload, values) = parameterObject(field, member.value) else { continue }
                draft.step.parameters = payload
                if let id = element["id"]?.stringValue { stepParameters[id] = values }
            case "requires_approval":
                guard case .bool(false) = member.value.value else {
                    refuse(field, "must be false: this version has no approvals")
                    continue
                }
            default: refuse(field, "unknown; known are id, agent, needs, parameters, requires_approval")
            }
        }
        let identifier = 1...64
        if !identifier.contains(draft.step.id.utf8.count) { refuse("\(draft.field).id", "must have 1 to 64 bytes") }
        if catalog.agent(AgentID(rawValue: draft.step.agent)) == nil {
            refuse("\(draft.field).agent", "there is no agent \"\(draft.step.agent)\"")
        }
    }

    /// Puts every step behind those it needs, otherwise as the client ordered them. What is left over is a cycle.
    private mutating func order(_ drafts: [Draft]) {
        var waiting = drafts
        for draft in drafts {
            for need in draft.needs where !drafts.contains(where: { $0.step.id == need }) {
                refuse("\(draft.field).needs", "there is no step \"\(need)\"")
            }
        }
        guard problems.isEmpty else { return }
        var steps: [PlanStep] = []
        var ordinals: [String: UInt32] = [:]
        while let next = waiting.firstIndex(where: { $0.needs.allSatisfy { ordinals[$0] != nil } }) {
            var draft = waiting.remove(at: next)
            draft.step.needs = draft.needs.compactMap { ordinals[$0] }.sorted()
            ordinals[draft.step.id] = UInt32(steps.count)
            steps.append(draft.step)
        }
        guard waiting.isEmpty else {
            let names = waiting.map(\.step.id).joined(separator: ", ")
            return refuse("plan.steps", "the needs of \(names) form a cycle")
        }
        spec.steps = steps
    }
}
